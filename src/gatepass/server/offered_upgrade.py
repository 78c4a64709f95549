"""
Requests that offer another protocol, and have a body.

Java's HttpClient and `curl --http2` offer h2c with what they send by plain HTTP. A server may ignore the offer
(RFC 9110 §7.8). httptools cannot: to it whatever comes behind such a head is the other protocol, and the body lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httptools

from gatepass.http.asgi import Headers

_FRAMING: Final = frozenset((b"content-length", b"transfer-encoding"))


@dataclass(frozen=True, slots=True)
class _Body:
    """All that the parser of a body tells; trailer fields are none of it."""

    on_body: Callable[[bytes], None]
    on_message_complete: Callable[[], None]


def framing_of(headers: Headers) -> bytes:
    """
    A head for the parser of the body that these headers announce; empty where they announce none.

    Args:
        headers: those that the first parser has accepted, so their framing is not ambiguous.
    """
    framing = [b"%b: %b\r\n" % header for header in headers if header[0] in _FRAMING]
    return b"POST / HTTP/1.1\r\nConnection: close\r\n%b\r\n" % b"".join(framing) if framing else b""


def body_parser(
    on_body: Callable[[bytes], None], on_message_complete: Callable[[], None]
) -> httptools.HttpRequestParser:
    """A parser that is fed that head, the body, and what is behind it, which it refuses."""
    return httptools.HttpRequestParser(_Body(on_body, on_message_complete))
