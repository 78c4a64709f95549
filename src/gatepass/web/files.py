"""What goes to the browser: bodies with their headers, in the form that the browser takes."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs

from gatepass.http.media_types import accepts_coding

Headers = list[tuple[bytes, bytes]]

# An asset is a query of the page's own address, `<endpoint>?ide=<name>`: so it is found under any prefix, in either
# spelling of the endpoint, and behind proxies and routers that pass on the endpoint's exact path only.
_PARAMETER = "ide"

_SECURITY: Headers = [
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]
# The endpoint's address answers JSON too: no cache may hand the page to an API client, or keep it beyond an update.
PAGE_CACHING: Headers = [(b"cache-control", b"no-store"), (b"vary", b"accept, accept-encoding")]
ASSET_CACHING: Headers = [
    (b"cache-control", b"public, max-age=31536000, immutable"),
    (b"vary", b"accept-encoding"),
]


@dataclass(frozen=True, slots=True)
class WebFile:
    """A 200 answer: the body, and its headers but those that every answer of ours gets (names in lower case)."""

    body: bytes
    headers: Headers


class Page(Protocol):
    """A page and the files that it refers to. `accept_encoding` is the request's header; none means no coding."""

    def page(self, accept_encoding: bytes | None = None) -> WebFile:
        """The HTML; the same for everybody, it holds no data."""
        ...

    def asset(self, name: str, accept_encoding: bytes | None = None) -> WebFile | None:
        """A file that the page refers to, by its hashed name; None is a 404."""
        ...


class Zipped:
    """A file that fits into memory, in two forms: as it is, and as gzip."""

    __slots__ = ("_plain", "_zipped")

    def __init__(self, body: bytes, headers: Headers) -> None:
        self._plain = WebFile(body, headers)
        self._zipped = WebFile(gzip.compress(body, mtime=0), [*headers, coded(b"gzip")])

    def file(self, accept_encoding: bytes | None) -> WebFile:
        """The form for this browser."""
        return self._zipped if accepts_coding(accept_encoding, b"gzip") else self._plain


def asset_name(query_string: bytes) -> str | None:
    """The asset that a GET of the endpoint asks for (`ide=<name>`), or None when the query is about something else."""
    names = parse_qs(query_string.decode("latin-1")).get(_PARAMETER)
    return names[0] if names else None


def hashed_name(name: str, body: bytes) -> str:
    """The name with a hash of the content in it, so that a cache may keep what it names for ever."""
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(body).hexdigest()[:16]}.{suffix}"


def headers_of(content_type: bytes, caching: Headers, content_security_policy: bytes) -> Headers:
    """What stands over every file of a page."""
    return [
        (b"content-type", content_type),
        *caching,
        (b"content-security-policy", content_security_policy),
        *_SECURITY,
    ]


def coded(coding: bytes) -> tuple[bytes, bytes]:
    """The header of a compressed body."""
    return (b"content-encoding", coding)


def with_setting(html: str, *, keeps_sign_in: bool) -> str:
    """The page's HTML with the one setting that it has to know."""
    return html.replace('data-keeps-sign-in="yes"', f'data-keeps-sign-in="{"yes" if keeps_sign_in else "no"}"')
