"""
What must not be in a log, whoever logs it.

Two nets: fields with a name such as `password` are masked whatever they hold, and text is searched for what looks like
a token, a key, a password hash or credentials in an address. After that no value can move a terminal's cursor or begin
a new line of the log (OWASP ASVS 5.0 V16.4.1).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Final

MASK: Final = "(masked)"
MAX_TEXT_CHARACTERS: Final = 16_384
MAX_DEPTH: Final = 6
MAX_ITEMS: Final = 100
# JSON has 64 bits for a whole number at most; a larger one is logged as text.
_LARGEST_WHOLE: Final = 2**63
_MAX_SEARCHED_CHARACTERS: Final = 4 * MAX_TEXT_CHARACTERS

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)|secret|token|authori[sz]ation|cookie|credential|api_?key|private_?key|assertion"
)
_HARMLESS_NAMES: Final = frozenset({"token_type", "max_tokens", "token_count"})
_SECRET_TEXT = re.compile(
    r"""
      eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)*          # a JWT, also a cut one
    | gp(?:[cdrs]|cs)_[A-Za-z0-9_-]{4,}                  # a code, a refresh token, a secret key, a client's secret
    | \$argon2[a-z]*\$[^\s"']+                           # a password hash
    | (?<=://)[^\s/@"']{1,512}(?=@)                      # credentials in an address
    | (?<=\bbearer\ )[A-Za-z0-9._~+/=-]{4,}
    | (?P<name>\b(?:(?:current|new)?password|passwd|secret|refreshToken|accessToken|refresh_token|access_token)\b
        \\*["']?\s*[:=]\s*\\*["'])(?:[^"'\\]|\\.)*       # a field in a document or in JSON
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Nothing in the pattern matches a shorter text.
_SHORTEST_SECRET: Final = 8
_LINE_BREAK = re.compile(r"(\n)")


def fields(event: Mapping[str, object]) -> dict[str, object]:
    """The fields of an event as they may be logged: strings, numbers, booleans, and lists and objects of those."""
    return {clean_text(name): field(name, value) for name, value in event.items()}


def field(name: str, value: object, depth: int = MAX_DEPTH) -> object:
    """One value, masked if its name says so. Of an unknown type only its text is logged."""
    if value is None or isinstance(value, bool):
        return value
    if is_secret_name(name):
        return MASK
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < _LARGEST_WHOLE):
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _inside(name, value, depth - 1) if depth else "…"
    return clean_text(value if isinstance(value, str) else _text_of(value))


def is_secret_name(name: str) -> bool:
    """Whether a field of this name is masked whatever it holds."""
    folded = name.lower().replace("-", "_")
    return folded not in _HARMLESS_NAMES and _SECRET_NAME.search(folded) is not None


def clean_text(text: str) -> str:
    """Text on one line, without secrets and without anything that a terminal obeys."""
    if len(text) < _SHORTEST_SECRET and text.isascii() and text.isprintable():
        return text
    return visible(masked(text))


def clean_lines(text: str) -> str:
    """As `clean_text`, for text whose line breaks are ours: a stack trace."""
    return "".join(part if part == "\n" else visible(part) for part in _LINE_BREAK.split(masked(text)))


def masked(text: str) -> str:
    """Text without what looks like a secret, and not too long."""
    searched = _SECRET_TEXT.sub(_mask, text[:_MAX_SEARCHED_CHARACTERS])
    return searched if len(searched) <= MAX_TEXT_CHARACTERS else f"{searched[:MAX_TEXT_CHARACTERS]}…"


def visible(text: str) -> str:
    r"""Text in which every control, format and line-break character is spelled out, as `\x1b` or `\u202e`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _inside(name: str, value: Mapping[object, object] | Collection[object], depth: int) -> object:
    if isinstance(value, Mapping):
        pairs = [(str(key), item) for key, item in islice(value.items(), MAX_ITEMS)]
        return {clean_text(key): field(key, item, depth) for key, item in pairs}
    return [field(name, item, depth) for item in islice(value, MAX_ITEMS)]


def _mask(found: re.Match[str]) -> str:
    return (found["name"] or "") + MASK


def _text_of(value: object) -> str:
    """A value's own text; one that fails to give it must not take the log line with it."""
    try:
        return str(value)
    except Exception as error:  # whatever a foreign object does
        return f"({type(value).__name__} that cannot be shown: {type(error).__name__})"
