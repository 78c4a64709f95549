"""Where the pages meet HTTP: a browser's GET of the endpoint is a page, everything else goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from urllib.parse import parse_qs

from gatepass.http.edge import Handler
from gatepass.http.media_types import wants_html
from gatepass.http.messages import Answer, Request, Response
from gatepass.http.refusals import NotFound
from gatepass.web import building
from gatepass.web.files import Page, WebFile, asset_name
from gatepass.web.graphiql import BUILD_COMMAND, GraphiqlPage, NotBuiltError
from gatepass.web.page import PlainPage


def ide_or(
    endpoint: Handler, ide: str, *, keeps_sign_in: bool = True, on_notice: Callable[[str], object] = lambda _: None
) -> Handler:
    """
    The endpoint, which for a browser's GET is a page with its files.

    Args:
        ide: "graphiql", "plain" or "off". The plain page is also at `?plain`, and stands in where the other is not
            built.
        keeps_sign_in: whether a reload of the page may find the sign-in again.
        on_notice: is told when GraphiQL is not built, or was built from other sources than these.
    """
    if ide == "off":
        return endpoint
    plain = _plain_page(keeps_sign_in=keeps_sign_in)
    first: Page = plain
    if ide == "graphiql":
        try:
            first = GraphiqlPage(keeps_sign_in=keeps_sign_in)
            if building.is_stale():
                on_notice(
                    f"the GraphiQL page is out of date, built from other sources: '{BUILD_COMMAND}' builds it anew"
                )
        except NotBuiltError as not_built:
            on_notice(f"browsers get the plain page, because {not_built}")

    async def page_or_endpoint(request: Request) -> Answer:
        if (found := _asked_file(first, plain, request)) is not None:
            return Response(200, found.body, found.headers, operation="ide")
        return await endpoint(request)

    def by_method(request: Request) -> Awaitable[Answer]:
        return page_or_endpoint(request) if request.method in ("GET", "HEAD") else endpoint(request)

    return by_method


@cache
def _plain_page(*, keeps_sign_in: bool) -> PlainPage:
    """One for every service of a process."""
    return PlainPage(keeps_sign_in=keeps_sign_in)


def _asked_file(first: Page, plain: Page, request: Request) -> WebFile | None:
    accept_encoding = request.header(b"accept-encoding")
    name = asset_name(request.query_string)
    if name is None:
        page = plain if _asks_for_plain(request.query_string) else first
        is_page = b"query=" not in request.query_string and wants_html(request.header(b"accept"))
        return page.page(accept_encoding) if is_page else None
    asset = first.asset(name, accept_encoding) or plain.asset(name, accept_encoding)
    if asset is None:
        raise NotFound("The page has no such file. Reload the page.")
    return asset


def _asks_for_plain(query_string: bytes) -> bool:
    return "plain" in parse_qs(query_string.decode("latin-1"), keep_blank_values=True)
