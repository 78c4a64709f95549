"""The plain page and its files, ready to send: read, hashed and compressed once."""

from __future__ import annotations

import re
from importlib.resources import files

from gatepass.web.bundle import bundle
from gatepass.web.files import ASSET_CACHING, PAGE_CACHING, WebFile, Zipped, hashed_name, headers_of, with_setting

_STATIC = files("gatepass.web") / "static"
_REFERENCE = re.compile(r"(?<=\?ide=)[a-z]+\.(?:js|css|svg)")
_TYPES = {"js": b"text/javascript; charset=utf-8", "css": b"text/css; charset=utf-8", "svg": b"image/svg+xml"}

# Trusted Types make every sink that parses markup throw: a hostile schema description cannot become an element, even by
# a mistake of ours.
_CONTENT_SECURITY_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)


class PlainPage:
    """The light IDE of our own, in one page, one script and one style sheet. Immutable; safe to share."""

    def __init__(self, *, keeps_sign_in: bool = True) -> None:
        public = _public_files()
        hashed = {name: hashed_name(name, body) for name, body in public.items()}
        html = with_setting((_STATIC / "ide.html").read_text(encoding="utf-8"), keeps_sign_in=keeps_sign_in)
        page = _REFERENCE.sub(lambda match: hashed[match[0]], html).encode()
        self._page = _zipped(page, b"text/html; charset=utf-8", is_page=True)
        self._assets = {hashed[name]: _zipped(body, _type(name)) for name, body in public.items()}

    def page(self, accept_encoding: bytes | None = None) -> WebFile:
        """The HTML; the same for everybody, it holds no data."""
        return self._page.file(accept_encoding)

    def asset(self, name: str, accept_encoding: bytes | None = None) -> WebFile | None:
        """A file that the page refers to, by its hashed name; None is a 404."""
        found = self._assets.get(name)
        return found.file(accept_encoding) if found else None


def _public_files() -> dict[str, bytes]:
    sources = {path.name: path.read_bytes() for path in _STATIC.iterdir()}
    modules = {name.removesuffix(".js"): text.decode() for name, text in sources.items() if name.endswith(".js")}
    script = bundle(modules, "ide").encode()
    return {"ide.js": script, "ide.css": sources["ide.css"], "favicon.svg": sources["favicon.svg"]}


def _type(name: str) -> bytes:
    return _TYPES[name.rpartition(".")[2]]


def _zipped(body: bytes, content_type: bytes, *, is_page: bool = False) -> Zipped:
    caching = PAGE_CACHING if is_page else ASSET_CACHING
    return Zipped(body, headers_of(content_type, caching, _CONTENT_SECURITY_POLICY))
