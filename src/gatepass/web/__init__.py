"""
The browser page: what a person sees who opens the GraphQL endpoint.

Owns the page's files (static/), their addresses, the Content-Security-Policy and the caching rules.
Does not know: accounts, tokens or schemas. The page itself signs in and queries over the public wire, like any client.
Called by: app, through `ide_or`. Imports: http.
"""

from gatepass.web.page import Headers, Ide, WebFile, asset_name
from gatepass.web.routes import ide_or

__all__ = ["Headers", "Ide", "WebFile", "asset_name", "ide_or"]
