"""
Headers that every answer of ours has; a page adds its own Content-Security-Policy in place of the strict one.

Source: OWASP ASVS 5.0 V3.4.
"""

from __future__ import annotations

from typing import Final

from gatepass.http.asgi import Headers

EVERY_ANSWER: Final[Headers] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
NOT_A_PAGE: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
