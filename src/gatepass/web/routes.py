"""Where the page meets HTTP: a browser's GET of the endpoint is the page, everything else goes on."""

from __future__ import annotations

from gatepass.http.edge import Handler
from gatepass.http.media_types import wants_html
from gatepass.http.messages import Answer, Request, Response
from gatepass.http.refusals import NotFound
from gatepass.web.page import Ide, WebFile, asset_name


def ide_or(endpoint: Handler) -> Handler:
    """The endpoint, which for a browser's GET is the IDE's page and its files."""
    ide = Ide()

    async def page_or_endpoint(request: Request) -> Answer:
        if request.method in ("GET", "HEAD") and (found := _asked_file(ide, request)) is not None:
            return Response(200, found.body, found.headers, operation="ide")
        return await endpoint(request)

    return page_or_endpoint


def _asked_file(ide: Ide, request: Request) -> WebFile | None:
    accepts_gzip = b"gzip" in (request.header(b"accept-encoding") or b"")
    name = asset_name(request.query_string)
    if name is None:
        is_page = b"query=" not in request.query_string and wants_html(request.header(b"accept"))
        return ide.page(accepts_gzip=accepts_gzip) if is_page else None
    asset = ide.asset(name, accepts_gzip=accepts_gzip)
    if asset is None:
        raise NotFound("The page has no such file. Reload the page.")
    return asset
