"""Stands for a name where the name itself must not be kept."""

from __future__ import annotations

import hmac
from typing import Final

from gatepass.crypto.sealing import derived_key
from gatepass.domain.secret import Secret

_PURPOSE: Final = b"gatepass pseudonyms v1"
_BYTES: Final = 16


class Pseudonyms:
    """
    The same 16 bytes for the same text, under a key derived from the operator's secret key by HKDF-SHA-256.

    Who copies the store alone cannot try names or passwords against them.

    Raises:
        KeyUnusable: the secret key is not of its form.
    """

    def __init__(self, secret_key: Secret[str]) -> None:
        self._key = derived_key(secret_key, "GATEPASS_SECRET_KEY", _PURPOSE)

    def __call__(self, text: str) -> bytes:
        """The pseudonym of a text."""
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")[:_BYTES]
