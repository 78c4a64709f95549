"""The secret of a client: shown once, kept as SHA-256, which is enough for 256 random bits."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

from gatepass.domain.secret import Secret

PREFIX: Final = "gpcs_"
RANDOM_BYTES: Final = 32
_MAX_CHARACTERS: Final = 256


def make(random: bytes) -> Secret[str]:
    """A secret out of 32 fresh random bytes, of characters that no encoding changes."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a client secret takes {RANDOM_BYTES} random bytes, not {len(random)}")
    return Secret(PREFIX + base64.urlsafe_b64encode(random).decode("ascii").rstrip("="))


def digest(secret: Secret[str]) -> bytes:
    """What is stored of it. A digest of anything too long fits no secret."""
    return hashlib.sha256(secret.reveal()[:_MAX_CHARACTERS].encode("utf-8", "surrogatepass")).digest()


def is_right(presented: Secret[str], stored: bytes | None) -> bool:
    """Whether it is the secret with this digest; in constant time, and never right where there is none."""
    return hmac.compare_digest(digest(presented), stored or bytes(32)) and stored is not None
