"""Identifiers: each kind is its own type, and none is ever reused."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import NewType

AccountId = NewType("AccountId", uuid.UUID)
SessionId = NewType("SessionId", uuid.UUID)
KeyId = NewType("KeyId", str)
Generation = NewType("Generation", int)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RANDOM_BYTES = 10
MAX_GENERATION = 2**32 - 1


def uuid7(now: datetime, random: bytes) -> uuid.UUID:
    """
    A time-ordered UUID.

    Args:
        now: aware; its milliseconds become the leading 48 bits.
        random: 10 fresh random bytes; 74 of their bits are used.

    Source: RFC 9562 §5.7.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"uuid7 takes {RANDOM_BYTES} random bytes, not {len(random)}")
    milliseconds = (now - EPOCH) // timedelta(milliseconds=1)
    bits = (milliseconds << 80) | int.from_bytes(random)
    bits = bits & ~(0xF << 76) | (0x7 << 76)
    bits = bits & ~(0x3 << 62) | (0x2 << 62)
    return uuid.UUID(int=bits)
