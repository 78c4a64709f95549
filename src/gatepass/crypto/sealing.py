"""Sealing of keys at rest under the operator's secret key."""

from __future__ import annotations

import base64
import os
import re
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gatepass.domain.errors import KeyUnusable
from gatepass.domain.identifiers import KeyId
from gatepass.domain.secret import Secret
from gatepass.domain.signing_key import Algorithm, KeyUse

PREFIX: Final = "gps_"
_SECRET_BYTES: Final = 32
# Of 32 random bytes, fewer than 16 different ones come once in 10^15: that is a placeholder or a typed one.
_FEWEST_DIFFERENT_BYTES: Final = 16
_FORM: Final = re.compile(rf"{PREFIX}([A-Za-z0-9_-]{{43,86}})", re.ASCII)
_FORMAT: Final = b"\x01"
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"gatepass sealed keys v1"


def generate_secret_key() -> Secret[str]:
    """A new secret key for `GATEPASS_SECRET_KEY`: `gps_` and 32 random bytes in base64url."""
    return Secret(PREFIX + base64.urlsafe_b64encode(os.urandom(_SECRET_BYTES)).decode("ascii").rstrip("="))


class Sealer:
    """
    Seals and opens keys with AES-256-GCM, under a key derived from the operator's secret key by HKDF-SHA-256.

    Args:
        secret_key: `gps_` and at least 32 random bytes in base64url, as `generate_secret_key` makes it.

    Raises:
        KeyUnusable: not of that form; the message says how to get a good one.
    """

    def __init__(self, secret_key: Secret[str]) -> None:
        raw = secret_bytes(secret_key)
        derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_PURPOSE).derive(raw)
        self._cipher = AESGCM(derived)

    def seal(self, plain: Secret[bytes], *, key_id: KeyId, use: KeyUse, algorithm: Algorithm) -> bytes:
        """
        The sealed form, bound to id, use and algorithm: a row cannot pass for another.

        The nonce comes from the operating system and from nowhere else: a repeated one would break AES-GCM.
        """
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, plain.reveal(), _binding(_FORMAT, key_id, use, algorithm))

    def open(self, sealed: bytes, *, key_id: KeyId, use: KeyUse, algorithm: Algorithm) -> Secret[bytes]:
        """
        What was sealed.

        Raises:
            KeyUnusable: another secret key sealed it, or the row was changed.
        """
        nonce, encrypted = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        binding = _binding(sealed[:1], key_id, use, algorithm)
        try:
            return Secret(self._cipher.decrypt(nonce, encrypted, binding))
        except (InvalidTag, ValueError):
            raise KeyUnusable(
                f"The {use} key {key_id} in the store cannot be opened. Most likely GATEPASS_SECRET_KEY is not the one "
                "that this store was set up with: give the server that one again (it cannot be recovered from the "
                "store). If the secret key is right, the row was damaged: restore the store from a backup."
            ) from None


def secret_bytes(secret_key: Secret[str]) -> bytes:
    """
    The random bytes of a secret key; to derive others from.

    Raises:
        KeyUnusable: not of its form; the message says how to get a good one.
    """
    advice = "Make one with `gatepass init`, and keep it as long as the store."
    form = _FORM.fullmatch(secret_key.reveal().strip())
    if form is None:
        raise KeyUnusable(
            f"The secret key (GATEPASS_SECRET_KEY) must be {PREFIX!r} and at least {_SECRET_BYTES} random "
            f"bytes in base64url, 43 to 86 characters of it. {advice}"
        )
    raw = base64.urlsafe_b64decode(form[1] + "=" * (-len(form[1]) % 4))
    if len(set(raw)) < _FEWEST_DIFFERENT_BYTES:
        raise KeyUnusable(f"The secret key (GATEPASS_SECRET_KEY) is not random: it repeats itself. {advice}")
    return raw


def _binding(form: bytes, key_id: KeyId, use: KeyUse, algorithm: Algorithm) -> bytes:
    return b"\x00".join((form, key_id.encode(), use.encode(), algorithm.encode()))
