"""Codes that are traded for a session once: what is shown, what is kept, and why one is not taken."""

from __future__ import annotations

import base64
import hashlib
from enum import Enum, auto
from typing import Final

from gatepass.domain.secret import Secret

AUTHORIZATION_CODE_PREFIX: Final = "gpc_"
DEVICE_CODE_PREFIX: Final = "gpd_"
CODE_RANDOM_BYTES: Final = 32
_MAX_CHARACTERS: Final = 256


class NoSession(Enum):
    """Why a presented code gives no session."""

    REUSE = auto()
    """It was traded before: what it gave is revoked."""
    REFUSE = auto()
    """Not for who presents it, or not any more; nothing is written."""
    EXPIRED = auto()
    """Nobody answered in time (device codes); nothing is written."""
    DENIED = auto()
    """Somebody said no (device codes); nothing is written."""


def make(prefix: str, random: bytes) -> Secret[str]:
    """A code out of 32 fresh random bytes. The prefix lets scanners of leaked secrets know it."""
    if len(random) != CODE_RANDOM_BYTES:
        raise ValueError(f"a code takes {CODE_RANDOM_BYTES} random bytes, not {len(random)}")
    return Secret(prefix + base64.urlsafe_b64encode(random).decode("ascii").rstrip("="))


def digest(presented: str) -> bytes:
    """What is stored of a code, and what it is found by: its SHA-256. A digest of anything too long fits no code."""
    return hashlib.sha256(presented[:_MAX_CHARACTERS].encode("utf-8", "surrogatepass")).digest()
