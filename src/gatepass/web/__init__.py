"""
The browser page: what a person sees who opens the GraphQL endpoint.

Owns the page's files (static/), their addresses, the Content-Security-Policy and the caching rules.
Does not know HTTP requests, accounts, tokens or schemas: the page itself signs in and queries over the public wire,
like any client.
Called by the application, which routes GET and HEAD of the endpoint: `asset_name` first, the page when HTML is wanted.
"""

from gatepass.web.page import Headers, Ide, WebFile, asset_name

__all__ = ["Headers", "Ide", "WebFile", "asset_name"]
