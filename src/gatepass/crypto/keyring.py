"""The server's keys, opened: which one signs, which ones verify, and what the JWKS shows."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

from gatepass.crypto import signing_keys
from gatepass.crypto.sealing import Sealer
from gatepass.crypto.signing_keys import SigningKey
from gatepass.domain.errors import KeyUnusable
from gatepass.domain.identifiers import KeyId
from gatepass.domain.refresh_token import KEY_ID_BYTES, RefreshKey
from gatepass.domain.secret import Secret
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey
from gatepass.usecases.ports import Clock, SealedKeys

DEFAULT_RSA_BITS: Final = 2048
_REFRESH_SECRET_BYTES: Final = 32

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Opened:
    """Every key of the store as of one moment; replaced as a whole, never changed."""

    access: Mapping[str, SigningKey] = field(default_factory=dict)
    signing: SigningKey | None = None
    refresh: Mapping[bytes, RefreshKey] = field(default_factory=dict)
    minting: RefreshKey | None = None
    jwks: bytes = b'{"keys":[]}'


class Keyring:
    """
    The port `RefreshKeys`, and the keys of access tokens. `open` makes one; `reload` picks up what others changed.

    The store decides which keys there are. If its active key has another algorithm than the one that is set, that key
    goes on signing, since replacing it would sign everybody's verifiers out of date; `notice` says so.
    """

    def __init__(self, keys: SealedKeys, sealer: Sealer, algorithm: Algorithm) -> None:
        self._keys = keys
        self._sealer = sealer
        self._algorithm = algorithm
        self._opened = _Opened()

    @classmethod
    async def open(
        cls,
        keys: SealedKeys,
        sealer: Sealer,
        *,
        clock: Clock,
        algorithm: Algorithm = Algorithm.ES256,
        rsa_bits: int = DEFAULT_RSA_BITS,
    ) -> Self:
        """
        Every key of the store, opened; the first ones are made where there are none.

        Several processes may do this at once on an empty store: one of them wins, all end with the same keys.

        Raises:
            KeyUnusable: a key cannot be opened; the message says what to do.
            StoreUnavailable: the store cannot be asked.
        """
        ring = cls(keys, sealer, algorithm)
        await ring.reload()
        if ring._opened.signing is None:
            await keys.add_first(await ring._new_access_key(clock, rsa_bits))
        if ring._opened.minting is None:
            await keys.add_first(ring._new_refresh_key(clock))
        if ring._opened.signing is None or ring._opened.minting is None:
            await ring.reload()
        if ring.notice:
            _log.warning(ring.notice)
        return ring

    async def reload(self) -> None:
        """
        Read the store again. If that fails, the keys stay as they were.

        Raises:
            KeyUnusable, StoreUnavailable: as `open`.
        """
        self._opened = self._open_all(await self._keys.all())

    @property
    def notice(self) -> str | None:
        """What an operator should know about the keys; `None` if all is as the settings say."""
        signing = self._opened.signing
        if signing is None or signing.algorithm is self._algorithm:
            return None
        return (
            f"The settings ask for {self._algorithm}, and the store's active key is {signing.algorithm}: that key goes "
            "on signing. The setting takes effect with the next key."
        )

    def signing(self) -> SigningKey:
        """
        The key that signs new access tokens.

        Raises:
            KeyUnusable: there is none.
        """
        if self._opened.signing is None:
            raise KeyUnusable("There is no active key for access tokens")
        return self._opened.signing

    def verifying(self, key_id: str) -> SigningKey | None:
        """
        The access key with this id, whatever its state.

        A next key counts: another process may have made it the active one a moment before this one reloads.
        """
        return self._opened.access.get(key_id)

    def jwks(self) -> bytes:
        """
        The public keys as a JWK Set, UTF-8 JSON.

        Source: RFC 7517 §5; key ids are RFC 7638 thumbprints.
        """
        return self._opened.jwks

    def active(self) -> RefreshKey:
        """
        The key that makes new refresh tokens.

        Raises:
            KeyUnusable: there is none.
        """
        if self._opened.minting is None:
            raise KeyUnusable("There is no active key for refresh tokens")
        return self._opened.minting

    def find(self, key_id: bytes) -> RefreshKey | None:
        """The refresh key with this id, whatever its state."""
        return self._opened.refresh.get(key_id)

    def _open_all(self, sealed: Sequence[SealedKey]) -> _Opened:
        access: dict[str, SigningKey] = {key.id: self._open_access(key) for key in sealed if key.use is KeyUse.ACCESS}
        refresh = {key.id: self._open_refresh(key) for key in sealed if key.use is KeyUse.REFRESH}
        active = {key.use: key.id for key in sealed if key.state is KeyState.ACTIVE}
        published = ",".join(key.public_jwk for key in access.values())
        return _Opened(
            access=access,
            signing=access.get(active.get(KeyUse.ACCESS, KeyId(""))),
            refresh={key.id: key for key in refresh.values()},
            minting=refresh.get(active.get(KeyUse.REFRESH, KeyId(""))),
            jwks=b'{"keys":[' + published.encode() + b"]}",
        )

    def _open_access(self, sealed: SealedKey) -> SigningKey:
        """
        The key pair of a row. What gets published is computed from the private half.

        Otherwise somebody who can write to the store, without the secret key, could publish a key of their own.
        """
        key = signing_keys.load(self._unseal(sealed), sealed.algorithm)
        if key.id != sealed.id or key.public_jwk != sealed.public_jwk:
            raise KeyUnusable(f"The public half of access key {sealed.id} in the store is not that of its private half")
        return key

    def _open_refresh(self, sealed: SealedKey) -> RefreshKey:
        secret = self._unseal(sealed)
        return RefreshKey(bytes.fromhex(sealed.id), secret)

    def _unseal(self, key: SealedKey) -> Secret[bytes]:
        return self._sealer.open(key.sealed, key_id=key.id, use=key.use, algorithm=key.algorithm)

    async def _new_access_key(self, clock: Clock, rsa_bits: int) -> SealedKey:
        plain = await asyncio.to_thread(signing_keys.generate, self._algorithm, rsa_bits)
        key = signing_keys.load(plain, self._algorithm)
        row = SealedKey(key.id, KeyUse.ACCESS, key.algorithm, KeyState.ACTIVE, b"", key.public_jwk, clock())
        return self._seal(plain, row)

    def _new_refresh_key(self, clock: Clock) -> SealedKey:
        key_id = KeyId(os.urandom(KEY_ID_BYTES).hex())
        row = SealedKey(key_id, KeyUse.REFRESH, Algorithm.HS256, KeyState.ACTIVE, b"", "", clock())
        return self._seal(Secret(os.urandom(_REFRESH_SECRET_BYTES)), row)

    def _seal(self, plain: Secret[bytes], row: SealedKey) -> SealedKey:
        sealed = self._sealer.seal(plain, key_id=row.id, use=row.use, algorithm=row.algorithm)
        return replace(row, sealed=sealed)
