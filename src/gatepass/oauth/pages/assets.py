"""The style sheet and the mark: two files that a browser keeps as long as they are what they are."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Final

from gatepass.http.edge import Handler
from gatepass.http.messages import Request, Response
from gatepass.http.refusals import MethodNotAllowed
from gatepass.http.security_headers import NOT_A_PAGE

_FOLDER: Final = files("gatepass.oauth.pages") / "static"
_TYPES: Final = {"css": b"text/css; charset=utf-8", "svg": b"image/svg+xml"}
_CACHING: Final = (b"cache-control", b"public, max-age=31536000, immutable")


class Asset:
    """A file with a hash of its content in its name."""

    def __init__(self, name: str) -> None:
        stem, _, suffix = name.rpartition(".")
        self._body = _FOLDER.joinpath(name).read_bytes()
        self._type = _TYPES[suffix]
        self.reference = f"static/{stem}.{hashlib.sha256(self._body).hexdigest()[:16]}.{suffix}"
        """Its address as the pages name it: beside them, under whatever prefix they are served."""

    async def __call__(self, request: Request) -> Response:
        """Serve it."""
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("This address is for GET.", allow="GET, HEAD")
        headers = [(b"content-type", self._type), _CACHING, NOT_A_PAGE]
        return Response(200, self._body, headers, operation="page")


STYLE: Final = Asset("pages.css")
MARK: Final = Asset("mark.svg")


def asset_routes() -> dict[str, Handler]:
    """The handlers by path."""
    return {f"/oauth/{asset.reference}": asset for asset in (STYLE, MARK)}
