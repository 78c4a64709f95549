"""
The refresh token: `gpr_` + base64url(version ‖ key id ‖ session id ‖ generation ‖ MAC).

The MAC is HMAC-SHA-256 under a server key over everything before it and the session's random salt. So a token is
recognised as ours without a look-up, the store holds no token, and a successor can be computed again.
"""

from __future__ import annotations

import hmac
import struct
import uuid
from dataclasses import dataclass, field
from typing import Final

from gatepass.domain import base64url
from gatepass.domain.errors import InvalidRefreshToken
from gatepass.domain.identifiers import Generation, SessionId
from gatepass.domain.secret import Secret
from gatepass.domain.value import value

PREFIX: Final = "gpr_"
VERSION: Final = 1
KEY_ID_BYTES: Final = 4
_HEAD: Final = struct.Struct(f">B{KEY_ID_BYTES}s16sI")
_MAC_BYTES: Final = 32
# 57 bytes are 76 base64 characters with no padding and no slack bits: each token has exactly one spelling.
_CHARACTERS: Final = len(PREFIX) + 76


@dataclass(frozen=True, slots=True)
class RefreshKey:
    """The server key of the MAC. `id` is public and stands in each token; `secret` is 32 random bytes."""

    id: bytes
    secret: Secret[bytes]
    keyed: hmac.HMAC = field(init=False, repr=False, compare=False)
    """The MAC of nothing yet, to be copied: half the price of beginning with the secret each time."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "keyed", hmac.new(self.secret.reveal(), digestmod="sha256"))


@value(frozen=True, slots=True)
class RefreshToken:
    """A token taken apart. Nothing in it is to be believed before `is_authentic` said so."""

    key_id: bytes
    session: SessionId
    generation: Generation
    mac: bytes


def parse(text: str) -> RefreshToken:
    """
    Take a token apart.

    Raises:
        InvalidRefreshToken: not of our form.
    """
    if len(text) != _CHARACTERS or not text.startswith(PREFIX):
        raise InvalidRefreshToken
    raw = _decoded(text[len(PREFIX) :].encode("ascii", "replace"))
    version, key_id, session, generation = _HEAD.unpack_from(raw)
    if version != VERSION:
        raise InvalidRefreshToken
    session_id = SessionId(uuid.UUID(int=int.from_bytes(session)))
    return RefreshToken(key_id, session_id, Generation(generation), raw[_HEAD.size :])


def _decoded(text: bytes) -> bytes:
    try:
        raw = base64url.decode_whole(text)
    except ValueError:
        raise InvalidRefreshToken from None
    # The decoder skips what is not of its alphabet; what comes out of it has one spelling.
    if base64url.encode(raw) != text:
        raise InvalidRefreshToken
    return raw


def mint(key: RefreshKey, session: SessionId, generation: Generation, salt: bytes) -> Secret[str]:
    """The one token of this session's generation. The same arguments give the same token."""
    head = _head(key.id, session, generation)
    text = base64url.encode(head + _mac(key, head, salt)).decode("ascii")
    return Secret(PREFIX + text)


def is_authentic(token: RefreshToken, key: RefreshKey, salt: bytes) -> bool:
    """Whether `key` made this token for a session with this salt; in constant time."""
    head = _head(token.key_id, token.session, token.generation)
    return hmac.compare_digest(token.mac, _mac(key, head, salt))


def _head(key_id: bytes, session: SessionId, generation: Generation) -> bytes:
    return _HEAD.pack(VERSION, key_id, session.bytes, generation)


def _mac(key: RefreshKey, head: bytes, salt: bytes) -> bytes:
    mac = key.keyed.copy()
    mac.update(head + salt)
    return mac.digest()
