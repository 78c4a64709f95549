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
from gatepass.domain.signing_key import Algorithm, KeyUse, SealedKey

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
        previous: the secret key before this one. It opens what it sealed, and seals nothing any more.

    Raises:
        KeyUnusable: not of that form; the message says how to get a good one.
    """

    def __init__(self, secret_key: Secret[str], previous: Secret[str] | None = None) -> None:
        self._cipher = _cipher(secret_key, "GATEPASS_SECRET_KEY")
        self._previous = None if previous is None else _cipher(previous, "GATEPASS_SECRET_KEY_PREVIOUS")

    def seal(self, plain: Secret[bytes], *, key_id: KeyId, use: KeyUse, algorithm: Algorithm) -> bytes:
        """
        The sealed form, bound to id, use and algorithm: a row cannot pass for another.

        The nonce comes from the operating system and from nowhere else: a repeated one would break AES-GCM.
        """
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, plain.reveal(), _binding(_FORMAT, key_id, use, algorithm))

    def open(self, sealed: bytes, *, key_id: KeyId, use: KeyUse, algorithm: Algorithm) -> Secret[bytes]:
        """
        What was sealed, under the present secret key or the previous one.

        Raises:
            KeyUnusable: another secret key sealed it, or the row was changed.
        """
        binding = _binding(sealed[:1], key_id, use, algorithm)
        for cipher in (self._cipher, self._previous):
            plain = None if cipher is None else _decrypted(cipher, sealed, binding)
            if plain is not None:
                return plain
        raise KeyUnusable(
            f"The {use} key {key_id} in the store cannot be opened. Most likely GATEPASS_SECRET_KEY is not the one "
            "that this store was set up with: give the server that one again (it cannot be recovered from the "
            "store). If the secret key is being changed, the former one belongs into GATEPASS_SECRET_KEY_PREVIOUS. "
            "If both are right, the row was damaged: restore the store from a backup."
        )

    def reseal(self, key: SealedKey) -> bytes | None:
        """See `gatepass.usecases.ports.Reseals`."""
        if _decrypted(self._cipher, key.sealed, _binding(key.sealed[:1], key.id, key.use, key.algorithm)) is not None:
            return None
        plain = self.open(key.sealed, key_id=key.id, use=key.use, algorithm=key.algorithm)
        return self.seal(plain, key_id=key.id, use=key.use, algorithm=key.algorithm)


def derived_key(secret_key: Secret[str], name: str, purpose: bytes) -> bytes:
    """
    32 bytes for one purpose, from which neither the secret key nor those of another purpose follow (HKDF-SHA-256).

    Args:
        name: of the setting, for the message.

    Raises:
        KeyUnusable: the secret key has not the form that `generate_secret_key` makes.
    """
    raw = _decode(secret_key.reveal(), name)
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(raw)


def _cipher(secret_key: Secret[str], name: str) -> AESGCM:
    return AESGCM(derived_key(secret_key, name, _PURPOSE))


def _decrypted(cipher: AESGCM, sealed: bytes, binding: bytes) -> Secret[bytes] | None:
    try:
        return Secret(cipher.decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], binding))
    except (InvalidTag, ValueError):
        return None


def _decode(text: str, name: str) -> bytes:
    advice = "Make one with `gatepass init`, and keep it as long as the store."
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise KeyUnusable(
            f"The secret key ({name}) must be {PREFIX!r} and at least {_SECRET_BYTES} random "
            f"bytes in base64url, 43 to 86 characters of it. {advice}"
        )
    raw = base64.urlsafe_b64decode(form[1] + "=" * (-len(form[1]) % 4))
    if len(set(raw)) < _FEWEST_DIFFERENT_BYTES:
        raise KeyUnusable(f"The secret key ({name}) is not random: it repeats itself. {advice}")
    return raw


def _binding(form: bytes, key_id: KeyId, use: KeyUse, algorithm: Algorithm) -> bytes:
    return b"\x00".join((form, key_id.encode(), use.encode(), algorithm.encode()))
