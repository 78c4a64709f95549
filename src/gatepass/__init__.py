"""Gatepass: sign-in and one-hour OAuth2 bearer tokens for any GraphQL API."""
