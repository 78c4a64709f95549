"""Whether a client may be answered at an address: exactly as registered, but for the port on loopback."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import SplitResult, urlsplit

from gatepass.domain.errors import BadUserInput

# Texts are compared, never parsed addresses: two parsers that disagree are how codes get stolen. What follows the
# port begins with / or ?, so that no `@` can turn the literal into a user name.
_LOOPBACK: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::(\d{1,5}))?((?:[/?][!-~]*)?)", re.ASCII)
_MAX_PORT: Final = 65_535
_VISIBLE: Final = re.compile(r"[!-~]{1,1024}", re.ASCII)
_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})


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


def check_new(text: str) -> str:
    """
    A redirect URI that can be registered: https, http on this machine, or the scheme of an app.

    Raises:
        BadUserInput: anything else; the message says what is wrong with it.

    Source: RFC 6749 §3.1.2, RFC 8252 §7.1 and §8.3, RFC 9700 §2.6.
    """
    parts = _split(text)
    if parts is None:
        raise BadUserInput("A redirect URI is an absolute address in ASCII, without fragment and credentials.")
    if parts.scheme in ("http", "https"):
        if not parts.hostname:
            raise BadUserInput(f"{text} has no host.")
        if parts.scheme == "http" and parts.hostname not in _THIS_MACHINE:
            raise BadUserInput(f"{text} is not https: only 127.0.0.1, [::1] and localhost may go without.")
    elif "." not in parts.scheme:
        raise BadUserInput(f"{text} has a scheme that anybody may take: use https, or one like com.example.app.")
    return text


def _split(text: str) -> SplitResult | None:
    if not _VISIBLE.fullmatch(text) or "#" in text or "\\" in text:
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme and "@" not in parts.netloc else None
