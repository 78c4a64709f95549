"""The GraphiQL page, as `gatepass ide build` left it in the folder `built`: compressed files and a list of them."""

from __future__ import annotations

import gzip
import json
from functools import cache
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
    GraphiQL with our sign-in. Files are read when they are first asked for, and then kept.

    Raises:
        NotBuiltError: there is no finished build in the folder.
    """

    def __init__(self, folder: Path = BUILT, *, keeps_sign_in: bool = True) -> None:
        try:
            manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
            html = with_setting((folder / "page.html").read_text("utf-8"), keeps_sign_in=keeps_sign_in)
        except FileNotFoundError:
            raise NotBuiltError(f"the GraphiQL page is not built: '{BUILD_COMMAND}' makes it") from None
        types: dict[str, str] = manifest["files"]
        self._page = Zipped(
            html.encode(), headers_of(b"text/html; charset=utf-8", PAGE_CACHING, _CONTENT_SECURITY_POLICY)
        )
        self._headers = {
            name: headers_of(media_type.encode("ascii"), ASSET_CACHING, _CONTENT_SECURITY_POLICY)
            for name, media_type in types.items()
        }
        self._read = cache(lambda name: (folder / name).read_bytes())

    def page(self, accept_encoding: bytes | None = None) -> WebFile:
        """The HTML; the same for everybody, it holds no data."""
        return self._page.file(accept_encoding)

    def asset(self, name: str, accept_encoding: bytes | None = None) -> WebFile | None:
        """A file that the page refers to, by its hashed name; None is a 404. Who takes no coding gets it unpacked."""
        headers = self._headers.get(name)
        if headers is None:
            return None
        if accepts_coding(accept_encoding, b"br"):
            return WebFile(self._read(f"{name}.br"), [*headers, coded(b"br")])
        zipped = self._read(f"{name}.gz")
        if accepts_coding(accept_encoding, b"gzip"):
            return WebFile(zipped, [*headers, coded(b"gzip")])
        return WebFile(gzip.decompress(zipped), headers)
