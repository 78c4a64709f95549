"""New keys for the server, sealed."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import datetime
from typing import Final

from gatepass.crypto import signing_keys
from gatepass.crypto.sealing import Sealer
from gatepass.domain.identifiers import KeyId
from gatepass.domain.refresh_token import KEY_ID_BYTES
from gatepass.domain.secret import Secret
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey

DEFAULT_RSA_BITS: Final = 2048
_REFRESH_SECRET_BYTES: Final = 32


class KeyMaker:
    """
    The port `MakesKeys`.

    Args:
        signing: the algorithm of new access keys.
        rsa_bits: their size, where that is RS256.
    """

    def __init__(
        self, sealer: Sealer, signing: Algorithm = Algorithm.ES256, *, rsa_bits: int = DEFAULT_RSA_BITS
    ) -> None:
        self._sealer = sealer
        self._signing = signing
        self._rsa_bits = rsa_bits

    def algorithm(self, use: KeyUse) -> Algorithm:
        """What a new key of this use is for."""
        return self._signing if use is KeyUse.ACCESS else Algorithm.HS256

    async def make(self, use: KeyUse, state: KeyState, now: datetime) -> SealedKey:
        """A new key; RSA takes up to a second, in a thread."""
        if use is KeyUse.ACCESS:
            plain = await asyncio.to_thread(signing_keys.generate, self._signing, self._rsa_bits)
            key = signing_keys.load(plain, self._signing)
            row = SealedKey(key.id, use, self._signing, state, b"", key.public_jwk, now, now)
        else:
            plain = Secret(os.urandom(_REFRESH_SECRET_BYTES))
            row = SealedKey(KeyId(os.urandom(KEY_ID_BYTES).hex()), use, Algorithm.HS256, state, b"", "", now, now)
        sealed = self._sealer.seal(plain, key_id=row.id, use=row.use, algorithm=row.algorithm)
        return replace(row, sealed=sealed)
