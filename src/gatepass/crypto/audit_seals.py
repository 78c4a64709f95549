"""Seals of the audit log: what an attacker with the store but without the secret key cannot make."""

from __future__ import annotations

import hmac
from typing import Final

from gatepass.crypto.sealing import derived_key
from gatepass.domain.audit import Link, Seal, statement
from gatepass.domain.secret import Secret

_PURPOSE: Final = b"gatepass audit seal v1"


class AuditSeals:
    """
    Implements `gatepass.usecases.ports.Seals` with HMAC-SHA-256 under a key derived from the operator's secret key.

    Args:
        previous: the secret key before this one. What it sealed is good; it seals nothing any more.
    """

    def __init__(self, secret_key: Secret[str], previous: Secret[str] | None = None) -> None:
        self._key = derived_key(secret_key, "GATEPASS_SECRET_KEY", _PURPOSE)
        self._previous = None if previous is None else derived_key(previous, "GATEPASS_SECRET_KEY_PREVIOUS", _PURPOSE)

    def seal(self, start: Link, end: Link) -> Seal:
        """That the chain goes from `start` to `end`."""
        return Seal(start, end, _mac(self._key, statement(start, end)))

    def is_good(self, seal: Seal) -> bool:
        """Whether one of the two secret keys made it."""
        return self.is_current(seal) or (self._previous is not None and _made(self._previous, seal))

    def is_current(self, seal: Seal) -> bool:
        """Whether the present secret key made it."""
        return _made(self._key, seal)


def _made(key: bytes, seal: Seal) -> bool:
    return hmac.compare_digest(_mac(key, seal.statement), seal.mac)


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
