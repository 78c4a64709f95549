"""A whole page with its headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gatepass.http.asgi import Headers
from gatepass.http.messages import NO_STORE, Response
from gatepass.oauth.pages.assets import MARK, STYLE
from gatepass.oauth.pages.html import NOTHING, Html, element, render

_TARGET: Final = re.compile(r"(https?)://([A-Za-z0-9.-]+(?::\d{1,5})?)(?:[/?]|$)", re.ASCII)
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
_TYPE: Final = (b"content-type", b"text/html; charset=utf-8")
_FRAMES: Final = (b"x-frame-options", b"DENY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """
    What differs from page to page.

    `goes_to` is where a form of it may end: browsers hold the redirect that answers a form against `form-action` too.
    """

    title: str
    heading: Html
    body: Html
    under: Html = NOTHING
    foot: str = ""
    goes_to: str | None = None
    status: int = 200
    code: str = "OK"
    headers: tuple[tuple[bytes, bytes], ...] = ()


def answer(page: Page, *, operation: str) -> Response:
    """The page as an HTTP answer. Nobody may keep it: it may hold an e-mail address or a code."""
    html = render(
        "page",
        title=page.title,
        heading=page.heading,
        under=page.under,
        body=page.body,
        foot=page.foot,
        style=STYLE.reference,
        mark=MARK.reference,
    )
    headers: Headers = [_TYPE, NO_STORE, _FRAMES, content_security_policy(page.goes_to), *page.headers]
    return Response(page.status, html.text.encode(), headers, operation=operation, code=page.code)


def content_security_policy(goes_to: str | None) -> tuple[bytes, bytes]:
    """No script, nothing from elsewhere, in no frame; forms end here, or where the client is answered."""
    actions = f"'self' {_source(goes_to)}" if goes_to else "'self'"
    policy = (
        f"default-src 'none'; style-src 'self'; img-src 'self'; form-action {actions}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return b"content-security-policy", policy.encode("ascii")


def _source(address: str) -> str:
    """
    An address as a source of the policy: its origin, else its scheme (of apps; and IPv6 has no form there).

    Source: CSP Level 3 §2.3.1.
    """
    if (web := _TARGET.match(address)) is not None:
        return f"{web[1]}://{web[2]}"
    scheme = _SCHEME.match(address)
    return f"{scheme[1]}:" if scheme else ""


def strong(text: str) -> Html:
    """A name that others chose: whatever its writing direction, the words around it stay in order."""
    return element("bdi", text)


def paragraph(content: str | Html, css_class: str = "") -> Html:
    """A paragraph."""
    return element("p", content, **({"class": css_class} if css_class else {}))
