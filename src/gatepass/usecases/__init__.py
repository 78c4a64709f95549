"""
What people do: one verb per file, and the ports they need.

Owns: the order of effects of each deed (`sign_in`, `sign_in_refresh`, `sign_out`, `authenticate`, …).
Does not know: HTTP, GraphQL, SQL, argon2, JOSE. It sees the outside through `ports` alone.
Called by: the surfaces (graphql, oauth, cli). Imports: domain.
"""
