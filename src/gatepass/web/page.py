"""The page and its files, ready to send: read, hashed and compressed once."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import parse_qs

from gatepass.web.bundle import bundle

Headers = list[tuple[bytes, bytes]]

_STATIC = files("gatepass.web") / "static"

# An asset is a query of the page's own address, `<endpoint>?ide=<name>`: so it is found under any prefix, in either
# spelling of the endpoint, and behind proxies and routers that pass on the endpoint's exact path only.
_PARAMETER = "ide"
_REFERENCE = re.compile(rf"(?<=\?{_PARAMETER}=)[a-z]+\.(?:js|css|svg)")
_TYPES = {"js": b"text/javascript; charset=utf-8", "css": b"text/css; charset=utf-8", "svg": b"image/svg+xml"}

# Trusted Types make every sink that parses markup throw: a hostile schema description cannot become an element, even by
# a mistake of ours.
_CONTENT_SECURITY_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)
_SECURITY: Headers = [
    (b"content-security-policy", _CONTENT_SECURITY_POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]
# The endpoint's address answers JSON too: no cache may hand the page to an API client, or keep it beyond an update.
_PAGE_CACHING: Headers = [(b"cache-control", b"no-store"), (b"vary", b"accept, accept-encoding")]
_ASSET_CACHING: Headers = [(b"cache-control", b"public, max-age=31536000, immutable"), (b"vary", b"accept-encoding")]


@dataclass(frozen=True, slots=True)
class WebFile:
    """A 200 answer: the body, and its headers but those that every answer of ours gets (names in lower case)."""

    body: bytes
    headers: Headers


def asset_name(query_string: bytes) -> str | None:
    """The asset that a GET of the endpoint asks for (`ide=<name>`), or None when the query is about something else."""
    names = parse_qs(query_string.decode("latin-1")).get(_PARAMETER)
    return names[0] if names else None


class Ide:
    """The light GraphQL IDE. Immutable once made; safe to share between threads."""

    def __init__(self) -> None:
        public = _public_files()
        hashed = {name: _hashed(name, body) for name, body in public.items()}
        html = (_STATIC / "ide.html").read_text(encoding="utf-8")
        page = _REFERENCE.sub(lambda match: hashed[match[0]], html).encode()
        self._page = _encodings(page, b"text/html; charset=utf-8", _PAGE_CACHING)
        self._assets = {hashed[name]: _encodings(body, _type(name), _ASSET_CACHING) for name, body in public.items()}

    def page(self, *, accepts_gzip: bool = False) -> WebFile:
        """The HTML page; the same for everybody, it holds no data."""
        return self._page[accepts_gzip]

    def asset(self, name: str, *, accepts_gzip: bool = False) -> WebFile | None:
        """A file that the page refers to, by its hashed name; None is a 404."""
        found = self._assets.get(name)
        return found[accepts_gzip] if found else None


def _public_files() -> dict[str, bytes]:
    sources = {path.name: path.read_bytes() for path in _STATIC.iterdir()}
    modules = {name.removesuffix(".js"): text.decode() for name, text in sources.items() if name.endswith(".js")}
    script = bundle(modules, "ide").encode()
    return {"ide.js": script, "ide.css": sources["ide.css"], "favicon.svg": sources["favicon.svg"]}


def _type(name: str) -> bytes:
    return _TYPES[name.rpartition(".")[2]]


def _hashed(name: str, body: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(body).hexdigest()[:16]}.{suffix}"


def _encodings(body: bytes, content_type: bytes, caching: Headers) -> tuple[WebFile, WebFile]:
    """Plain and gzip, in the order of `accepts_gzip`."""
    zipped = gzip.compress(body, mtime=0)
    headers = [(b"content-type", content_type), *caching, *_SECURITY]
    return (
        WebFile(body, headers),
        WebFile(zipped, [*headers, (b"content-encoding", b"gzip")]),
    )
