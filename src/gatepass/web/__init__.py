"""
The browser pages: what a person sees who opens the GraphQL endpoint.

Owns two pages and the choice between them: GraphiQL with our sign-in (sources in /web/ide, made by `building`, served
from built/), and the plain page, all our own (static/), whose modules for sign-in and requests the other one shares.
Also their addresses, the Content-Security-Policy and the caching rules.
Does not know: accounts, tokens or schemas. The pages sign in and query over the public wire, like any client.
Called by: app, through `ide_or`; cli, which builds. Imports: http.
"""

from gatepass.web.files import Headers, Page, WebFile, asset_name
from gatepass.web.graphiql import GraphiqlPage, NotBuiltError
from gatepass.web.page import PlainPage
from gatepass.web.routes import ide_or

__all__ = ["GraphiqlPage", "Headers", "NotBuiltError", "Page", "PlainPage", "WebFile", "asset_name", "ide_or"]
