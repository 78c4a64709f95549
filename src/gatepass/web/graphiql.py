"""The GraphiQL page, as `gatepass ide build` left it in the folder `built`: compressed files and a list of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Final

from gatepass.domain.errors import GatepassError
from gatepass.http.media_types import accepts_coding
from gatepass.web.files import ASSET_CACHING, PAGE_CACHING, WebFile, Zipped, coded, headers_of, with_setting

BUILT: Final = Path(__file__).with_name("built")
MANIFEST: Final = "manifest.json"
BUILD_COMMAND: Final = "gatepass ide build"

# Its editor writes style sheets of its own while it runs, hence 'unsafe-inline' for styles, and for them alone. Its
# workers are files of this origin: no blob:, no data:, no eval. Trusted Types: markup comes only from the policies
# named here, the editor's own (which escape what they show), and from `default`, ours, which lets nothing but the
# plain tags of Markdown through.
_MARKUP_POLICIES: Final = (
    b"default", b"defaultWorkerFactory", b"diffEditorWidget", b"diffReview", b"domLineBreaksComputer", b"dompurify",
    b"editorGhostText", b"editorViewLayer", b"standaloneColorizer", b"stickyScrollViewLayer", b"tokenizeToString",
)  # fmt: skip
_CONTENT_SECURITY_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
    b"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types " + b" ".join(_MARKUP_POLICIES)
)


class NotBuiltError(GatepassError):
    """The page is not in this installation."""


class GraphiqlPage:
    """
    GraphiQL with our sign-in. It is read whole, so that a server goes on with it while another build takes its place.

    Raises:
        NotBuiltError: there is no finished build in the folder.
    """

    def __init__(self, folder: Path = BUILT, *, keeps_sign_in: bool = True) -> None:
        try:
            types: dict[str, str] = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
            html = with_setting((folder / "page.html").read_text("utf-8"), keeps_sign_in=keeps_sign_in)
            self._assets = {name: _Asset(folder, name, media_type) for name, media_type in types.items()}
        except (OSError, ValueError, KeyError, TypeError):
            raise NotBuiltError(f"the GraphiQL page is not built: '{BUILD_COMMAND}' makes it") from None
        self._page = Zipped(
            html.encode(), headers_of(b"text/html; charset=utf-8", PAGE_CACHING, _CONTENT_SECURITY_POLICY)
        )

    def page(self, accept_encoding: bytes | None = None) -> WebFile:
        """The HTML; the same for everybody, it holds no data."""
        return self._page.file(accept_encoding)

    def asset(self, name: str, accept_encoding: bytes | None = None) -> WebFile | None:
        """A file that the page refers to, by its hashed name; None is a 404."""
        found = self._assets.get(name)
        return found.file(accept_encoding) if found else None


class _Asset:
    """A file of the build, as Brotli and as gzip. Who takes neither gets it unpacked each time: hardly anybody."""

    __slots__ = ("_brotli", "_gzip", "_headers")

    def __init__(self, folder: Path, name: str, media_type: str) -> None:
        self._brotli = (folder / f"{name}.br").read_bytes()
        self._gzip = (folder / f"{name}.gz").read_bytes()
        self._headers = headers_of(media_type.encode("ascii"), ASSET_CACHING, _CONTENT_SECURITY_POLICY)

    def file(self, accept_encoding: bytes | None) -> WebFile:
        if accepts_coding(accept_encoding, b"br"):
            return WebFile(self._brotli, [*self._headers, coded(b"br")])
        if accepts_coding(accept_encoding, b"gzip"):
            return WebFile(self._gzip, [*self._headers, coded(b"gzip")])
        return WebFile(gzip.decompress(self._gzip), self._headers)
