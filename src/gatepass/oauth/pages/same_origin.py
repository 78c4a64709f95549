"""
Who may post a form: our own pages, and programs that are no browser.

No cookie stands behind a form here, so another site's post could do nothing but sign somebody in as somebody else, who
would have to know the password. That is refused as well.

Source: RFC 9700 §4.7; Fetch Metadata (W3C) §2.1; the check is that of Go's `http.CrossOriginProtection`.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from gatepass.domain.errors import Forbidden
from gatepass.http.messages import Request

_OURS: Final = (b"same-origin", b"none")


class ForeignPost(Forbidden):
    """Another site's page sent this form."""

    status = 403
    default_message = "This form was sent from another site. Open the sign-in page itself, and send it from there."


def check_same_origin(request: Request, *, is_https: bool) -> None:
    """
    Refuse what another site's page sends.

    Browsers say `null` for the origin of our own forms, because our pages have no referrer. Then only
    `Sec-Fetch-Site` tells who sent it, which every browser sends on HTTPS and to this machine. Without it, `null` is
    accepted where this server is not reached by HTTPS at all.

    Args:
        is_https: whether this server's own address is HTTPS.

    Raises:
        ForeignPost: it does.
    """
    site = request.header(b"sec-fetch-site")
    if site is not None:
        if site not in _OURS:
            raise ForeignPost
        return
    origin = request.header(b"origin")
    if origin is None or (origin == b"null" and not is_https):
        return
    if not _is_host(origin, request.header(b"host")):
        raise ForeignPost


def _is_host(origin: bytes, host: bytes | None) -> bool:
    try:
        return host is not None and urlsplit(origin).netloc == host
    except ValueError:
        return False
