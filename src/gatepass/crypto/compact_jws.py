"""A compact JWS, taken apart strictly. Nothing in it is to be believed before its signature was checked."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gatepass.domain import base64url, refresh_token
from gatepass.domain.errors import Unauthenticated, UnknownSigningKey

MAX_CHARACTERS: Final = 4096
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_PARTS_OF_JWS: Final = 3
_PARTS_OF_JWE: Final = 5
_MENDING: Final = "Get a new one with the signIn mutation."


@dataclass(frozen=True, slots=True)
class CompactJws:
    """The three parts. `payload` and `signature` are bytes, not looked into."""

    header: dict[str, object]
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def refused(reason: str, mending: str = _MENDING) -> Unauthenticated:
    """The refusal of a bearer token that was presented."""
    return Unauthenticated(f"{reason} {mending}", presented=True)


def unknown_key(reason: str, issuer: str | None = None) -> UnknownSigningKey:
    """The refusal of a token whose key is not known here, or not yet."""
    return UnknownSigningKey(f"{reason} {_MENDING}", issuer=issuer)


def take_apart(token: str, max_characters: int = MAX_CHARACTERS) -> CompactJws:
    """
    The parts of a token in its one spelling: no padding, no slack bits, no member twice.

    Raises:
        Unauthenticated: not a compact JWS; the message says what it looks like instead.

    Source: RFC 7515 §7.1 and §5.2, RFC 8725 §3.4 and §3.12.
    """
    if token.startswith(refresh_token.PREFIX):
        raise refused(
            "That is a refresh token, and an access token belongs here.",
            "Trade it for a new pair with the signInRefresh mutation, and send the accessToken of the answer.",
        )
    if len(token) > max_characters:
        raise refused("The bearer token is longer than any access token of this server.")
    parts = token.split(".")
    if len(parts) == _PARTS_OF_JWE:
        raise refused("The bearer token is an encrypted token (JWE), which this server does not issue.")
    if len(parts) != _PARTS_OF_JWS:
        raise refused(
            "The bearer token is not an access token: those have three parts with dots between.",
            "Send the accessToken exactly as signIn answered it, without quotes; was it cut off when it was copied?",
        )
    try:
        return decoded(parts)
    except (ValueError, RecursionError):
        raise refused(
            "The access token is damaged: it cannot be decoded.",
            "Send the accessToken exactly as signIn answered it; was it cut off or changed when it was copied?",
        ) from None


def decoded(parts: Sequence[str]) -> CompactJws:
    """
    The parts of a compact JWS, split already.

    Raises:
        ValueError, RecursionError: not three, or not in their one spelling.
    """
    header, payload, signature = map(decode_base64url, parts)
    return CompactJws(json_object(header), payload, signature)


def decode_base64url(text: str) -> bytes:
    """
    The bytes of unpadded, canonical base64url.

    Raises:
        ValueError: padding, another alphabet, an impossible length, or bits set that no byte holds.
    """
    if not _BASE64URL.fullmatch(text):
        raise ValueError("not base64url")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_base64url(raw) != text.encode("ascii"):
        raise ValueError("not canonical base64url")
    return raw


def encode_base64url(raw: bytes) -> bytes:
    """Unpadded base64url."""
    return base64url.encode(raw)


def json_object(raw: bytes) -> dict[str, object]:
    """
    A JSON object with each member once.

    Raises:
        ValueError, RecursionError: not UTF-8, not JSON, not an object, a member twice, or NaN and Infinity.
    """
    value = _DECODER.decode(raw.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one kind of error for one kind of trouble
    return value


def _each_once(members: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(members)
    if len(unique) != len(members):
        raise ValueError("a JSON member stands twice")
    return unique


def _no_such_number(text: str) -> object:
    raise ValueError(f"{text} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_each_once, parse_constant=_no_such_number)
