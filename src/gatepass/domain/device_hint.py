"""
The device hint: `gph_` + base64url(version ‖ key id ‖ session id ‖ issued at ‖ MAC).

It says that its holder signed in to one account before, and gives them a lane of their own while others guess at that
account's password. It opens nothing. The account's id is in the MAC and not in the text: a hint tells nobody whose it
is, and is worth nothing for another account.
"""

from __future__ import annotations

import base64
import hmac
import re
import struct
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gatepass.domain.identifiers import EPOCH, AccountId, SessionId
from gatepass.domain.refresh_token import KEY_ID_BYTES, RefreshKey
from gatepass.domain.secret import Secret

PREFIX: Final = "gph_"
VERSION: Final = 1
_HEAD: Final = struct.Struct(f">B{KEY_ID_BYTES}s16s")
_TIME_BYTES: Final = 5
_MAC_BYTES: Final = 16
# 42 bytes are 56 base64 characters with no padding and no slack bits.
_FORM: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{56}}", re.ASCII)
# Under the key of refresh tokens; their MACs are of other lengths and begin with their version.
_PURPOSE: Final = b"gatepass device hint v1"


@dataclass(frozen=True, slots=True)
class DeviceHint:
    """A hint taken apart. Nothing in it is to be believed before `is_authentic` said so."""

    key_id: bytes
    session: SessionId
    signed: bytes
    mac: bytes

    @property
    def issued_at(self) -> datetime:
        """When it was made. Only of an authentic one: others can name years that there are none of."""
        return EPOCH + timedelta(seconds=int.from_bytes(self.signed[_HEAD.size :]))


def mint(key: RefreshKey, account: AccountId, session: SessionId, now: datetime) -> Secret[str]:
    """The hint of a session of an account."""
    seconds = (now - EPOCH) // timedelta(seconds=1)
    signed = _HEAD.pack(VERSION, key.id, session.bytes) + seconds.to_bytes(_TIME_BYTES)
    return Secret(PREFIX + base64.urlsafe_b64encode(signed + _mac(key, account, signed)).decode("ascii"))


def parse(text: str) -> DeviceHint | None:
    """Take a hint apart; None: not of our form."""
    if not _FORM.fullmatch(text):
        return None
    raw = base64.urlsafe_b64decode(text[len(PREFIX) :])
    version, key_id, session = _HEAD.unpack_from(raw)
    if version != VERSION:
        return None
    return DeviceHint(key_id, SessionId(uuid.UUID(bytes=session)), raw[:-_MAC_BYTES], raw[-_MAC_BYTES:])


def is_authentic(hint: DeviceHint, key: RefreshKey, account: AccountId) -> bool:
    """Whether `key` made this hint for this account; in constant time."""
    return hmac.compare_digest(hint.mac, _mac(key, account, hint.signed))


def _mac(key: RefreshKey, account: AccountId, signed: bytes) -> bytes:
    return hmac.digest(key.secret.reveal(), _PURPOSE + account.bytes + signed, "sha256")[:_MAC_BYTES]
