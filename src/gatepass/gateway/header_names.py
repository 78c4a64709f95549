"""What is common to both directions: which header names pass, and which belong to one hop only."""

from __future__ import annotations

import re
from typing import Final

from gatepass.http.asgi import Headers

HOP_BY_HOP: Final = """
    connection keep-alive proxy-connection proxy-authenticate proxy-authorization proxy-authentication-info
    te trailer transfer-encoding upgrade http2-settings
"""
"""Source: RFC 9110 §7.6.1, RFC 7540 §3.2.1, and Proxy-Connection, which clients still send."""

IDENTITY: Final = "x-gatepass x-gatepass-*"
OURS: Final = f"{IDENTITY} x-request-id"
ASSERTION: Final = b"x-gatepass-assertion"

_MAX_REMEMBERED: Final = 1024
_MAX_REMEMBERED_BYTES: Final = 64
_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_SEPARATOR: Final = re.compile(rb"[^0-9a-z]")


class PassingNames(dict[bytes, bytes]):
    """
    From a header's name, in any case, to the lower-case name it is passed under; empty for those that stay here.

    Names are compared with everything but letters and digits read as `-`: what stands behind CGI or WSGI cannot tell
    `X_Gatepass_Subject` from `X-Gatepass-Subject`. Verdicts are remembered within bounds, for names are the sender's
    choice.
    """

    def __init__(self, *staying: str) -> None:
        """
        Learn which stay.

        Args:
            staying: lower-case names, several in a text; `x-*` means every name that begins with `x-`.
        """
        super().__init__()
        names = " ".join(staying).encode("ascii").split()
        self._staying = frozenset(name for name in names if not name.endswith(b"*"))
        self._prefixes = tuple(name[:-1] for name in names if name.endswith(b"*"))

    def __missing__(self, name: bytes) -> bytes:
        passed = self._judge(name.lower())
        if len(self) < _MAX_REMEMBERED and len(name) <= _MAX_REMEMBERED_BYTES:
            self[name] = passed
        return passed

    def _judge(self, name: bytes) -> bytes:
        plain = _SEPARATOR.sub(b"-", name)
        stays = plain in self._staying or plain.startswith(self._prefixes) or not _TOKEN.fullmatch(name)
        return b"" if stays else name


def without_named(headers: Headers, connection: bytes) -> Headers:
    """
    The headers without those that Connection names. Content-Type stays: nothing could be done with the body.

    Source: RFC 9110 §7.6.1.
    """
    if connection in (b"keep-alive", b"Keep-Alive", b"close"):
        return headers
    named = {name.strip().lower() for name in connection.split(b",")} - {b"content-type"}
    return [header for header in headers if header[0] not in named]


def appended(value: bytes, more: bytes) -> bytes:
    """A list-valued header that came in several lines as one value (RFC 9110 §5.3)."""
    return value + b"," + more if value else more
