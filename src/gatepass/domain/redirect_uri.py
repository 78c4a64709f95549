"""Whether a client may be answered at an address: exactly as registered, but for the port on loopback."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# Texts are compared, never parsed addresses: two parsers that disagree are how codes get stolen. What follows the
# port begins with / or ?, so that no `@` can turn the literal into a user name.
_LOOPBACK: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::(\d{1,5}))?((?:[/?][!-~]*)?)", re.ASCII)
_MAX_PORT: Final = 65_535


def is_registered(asked: str, registered: Iterable[str]) -> bool:
    """Whether `asked` is one of a client's redirect URIs."""
    return any(matches(each, asked) for each in registered)


def matches(registered: str, asked: str) -> bool:
    """
    Whether `asked` is this registered redirect URI.

    For `http://127.0.0.1` and `http://[::1]` the port may be another one: a native program takes what is free.
    `localhost` is no literal, it may lead elsewhere, and is compared like any other name.

    Source: RFC 9700 §2.1, RFC 8252 §7.3 and §8.3.
    """
    if registered == asked:
        return True
    known, wanted = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(asked)
    if known is None or wanted is None or not _is_port(wanted[2]):
        return False
    return known.group(1, 3) == wanted.group(1, 3)


def _is_port(text: str | None) -> bool:
    return text is None or 0 < int(text) <= _MAX_PORT
