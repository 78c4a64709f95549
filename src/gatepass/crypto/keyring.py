"""The server's keys, opened: which one signs, which ones verify, and what the JWKS shows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from gatepass.crypto import signing_keys
from gatepass.crypto.key_maker import DEFAULT_RSA_BITS, KeyMaker
from gatepass.crypto.sealing import Sealer
from gatepass.crypto.signing_keys import SigningKey
from gatepass.domain.errors import KeyUnusable
from gatepass.domain.identifiers import KeyId
from gatepass.domain.refresh_token import RefreshKey
from gatepass.domain.secret import Secret
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey
from gatepass.usecases.ports import Clock, SealedKeys

CATCH_UP_SECONDS: Final = 0.05
"""Between two looks at the store for keys that nobody here knows, however many tokens name one."""

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
        self._rows: Sequence[SealedKey] = ()
        self._unopenable: frozenset[KeyId] = frozenset()
        self._on_gone: Callable[[], None] = _nothing
        self._next_look: asyncio.Task[None] | None = None

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
        ring, maker = cls(keys, sealer, algorithm), KeyMaker(sealer, algorithm, rsa_bits=rsa_bits)
        ring._take_in(await keys.all(), leave_out=False)
        if ring._opened.signing is None:
            await keys.add_first(await maker.make(KeyUse.ACCESS, KeyState.ACTIVE, clock()))
        if ring._opened.minting is None:
            await keys.add_first(await maker.make(KeyUse.REFRESH, KeyState.ACTIVE, clock()))
        if ring._opened.signing is None or ring._opened.minting is None:
            ring._take_in(await keys.all(), leave_out=False)
        if ring.notice:
            _log.warning(ring.notice)
        return ring

    def when_keys_go(self, forget: Callable[[], None]) -> None:
        """Have `forget` called whenever an access key is gone: what it signed counts no longer, remembered or not."""
        self._on_gone = forget

    async def reload(self) -> None:
        """
        Read the store again. If that fails, the keys stay as they were.

        A new key that cannot be opened is left out, and the log says so: the others are needed all the same.

        Raises:
            StoreUnavailable: the store cannot be asked.
        """
        self._take_in(await self._keys.all(), leave_out=True)

    async def catch_up(self) -> None:
        """
        Wait until the store was read once more, beginning from now.

        Another process may have begun to use a key a moment ago. All who wait share one reading, and there is one in
        `CATCH_UP_SECONDS` at most, so that tokens with invented key ids cost no more.

        Raises:
            StoreUnavailable: the store cannot be asked.
        """
        if self._next_look is None:
            self._next_look = asyncio.create_task(self._look_soon())
        await asyncio.shield(self._next_look)

    async def _look_soon(self) -> None:
        try:
            await asyncio.sleep(CATCH_UP_SECONDS)
        finally:
            self._next_look = None
        await self.reload()

    @property
    def notice(self) -> str | None:
        """What an operator should know about the keys; `None` if all is as the settings say."""
        signing = self._opened.signing
        if signing is None or signing.algorithm is self._algorithm:
            return None
        return (
            f"The settings ask for {self._algorithm}, and the store's active key is {signing.algorithm}: that key goes "
            "on signing. The setting takes effect with the next key; 'gatepass key rotate' brings that about."
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

    async def find_anew(self, key_id: bytes) -> RefreshKey | None:
        """As `find`, after `catch_up`."""
        await self.catch_up()
        return self.find(key_id)

    def check_usable(self) -> None:
        """Raise `KeyUnusable` unless there are keys that sign, of both uses."""
        self.signing()
        self.active()

    def _take_in(self, rows: Sequence[SealedKey], *, leave_out: bool) -> None:
        if rows == self._rows:
            return
        before, known = self._opened, {row.id: row for row in self._rows}
        opened: dict[KeyId, SigningKey | RefreshKey] = {}
        unopenable: set[KeyId] = set()
        for row in rows:
            try:
                opened[row.id] = self._known(row, known.get(row.id)) or self._open(row)
            except KeyUnusable as error:
                if not leave_out:
                    raise
                unopenable.add(row.id)
                if row.id not in self._unopenable:
                    _log.error("a key in the store is left out: %s", error)
        self._opened = _arranged(rows, opened)
        self._rows, self._unopenable = rows, frozenset(unopenable)
        if not before.access.keys() <= self._opened.access.keys():
            self._on_gone()

    def _known(self, row: SealedKey, known: SealedKey | None) -> SigningKey | RefreshKey | None:
        """
        The key of a row that was opened before, unless the row says something new of it.

        So a server outlives a change of the secret key, until it opens keys that were made after that.
        """
        if known is None or (known.use, known.algorithm, known.public_jwk) != (row.use, row.algorithm, row.public_jwk):
            return None
        if row.use is KeyUse.ACCESS:
            return self._opened.access.get(row.id)
        return self._opened.refresh.get(bytes.fromhex(row.id))

    def _open(self, row: SealedKey) -> SigningKey | RefreshKey:
        """
        The key of a row. What gets published is computed from the private half.

        Otherwise somebody who can write to the store, without the secret key, could publish a key of their own.
        """
        plain = self._unseal(row)
        if row.use is KeyUse.REFRESH:
            return RefreshKey(bytes.fromhex(row.id), plain)
        key = signing_keys.load(plain, row.algorithm)
        if key.id != row.id or key.public_jwk != row.public_jwk:
            raise KeyUnusable(f"The public half of access key {row.id} in the store is not that of its private half")
        return key

    def _unseal(self, row: SealedKey) -> Secret[bytes]:
        return self._sealer.open(row.sealed, key_id=row.id, use=row.use, algorithm=row.algorithm)


def _arranged(rows: Sequence[SealedKey], opened: Mapping[KeyId, SigningKey | RefreshKey]) -> _Opened:
    active = {row.use: row.id for row in rows if row.state is KeyState.ACTIVE}
    access: dict[str, SigningKey] = {id_: key for id_, key in opened.items() if isinstance(key, SigningKey)}
    refresh = {id_: key for id_, key in opened.items() if isinstance(key, RefreshKey)}
    published = ",".join(key.public_jwk for key in access.values())
    return _Opened(
        access=access,
        signing=access.get(active.get(KeyUse.ACCESS, KeyId(""))),
        refresh={key.id: key for key in refresh.values()},
        minting=refresh.get(active.get(KeyUse.REFRESH, KeyId(""))),
        jwks=b'{"keys":[' + published.encode() + b"]}",
    )


def _nothing() -> None:
    """Nobody wants to know."""
