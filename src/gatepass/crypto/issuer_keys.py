"""The public keys of a trusted issuer: read now and then, and once more for a key that is new."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from gatepass.crypto.public_keys import PublicKey, keys_by_algorithm
from gatepass.domain.trusted_issuer import TrustedIssuer

PAUSE_SECONDS: Final = 30.0
"""Between two readings for keys that nobody here knows, however many tokens name one."""

_log = logging.getLogger("gatepass")


class IssuerKeys:
    """
    The last good set. Where a reading fails it stays, and the log says so; before the first it is empty.

    Args:
        read: the set as JSON; raises OSError.
    """

    def __init__(
        self,
        trusted: TrustedIssuer,
        read: Callable[[], Awaitable[bytes]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.trusted = trusted
        self._read = read
        self._on_gone: Callable[[], None] | None = None
        self._clock = clock
        self._keys: Mapping[tuple[str, str], PublicKey] = {}
        self._ids: frozenset[str] = frozenset()
        self._published: list[object] = []
        self._reading: asyncio.Task[None] | None = None
        self._looked_again_at = float("-inf")
        self._is_failing = False

    def when_keys_go(self, forget: Callable[[], None]) -> None:
        """Have `forget` called whenever a key is gone from the set: what it signed counts no longer."""
        self._on_gone = forget

    def find(self, key_id: str, algorithm: str) -> PublicKey | None:
        """The key with this id, for this algorithm."""
        return self._keys.get((key_id, algorithm))

    def knows(self, key_id: str) -> bool:
        """Whether there is such a key, for whatever algorithm."""
        return key_id in self._ids

    async def refresh(self) -> None:
        """Read the set, or wait for a reading that is under way. Nothing is raised."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_once())
        # A request that ends meanwhile must not end the reading that others wait for.
        await asyncio.shield(self._reading)

    async def look_again(self) -> None:
        """Read the set for a key that is not in it, at most once in `PAUSE_SECONDS`; else return at once."""
        if self._reading is None:
            now = self._clock()
            if now - self._looked_again_at < PAUSE_SECONDS:
                return
            self._looked_again_at = now
        await self.refresh()

    async def close(self) -> None:
        """End a reading that is under way."""
        if (reading := self._reading) is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read_once(self) -> None:
        try:
            jwks = json.loads(await self._read())
            self._take_in(keys_by_algorithm(jwks, self.trusted.algorithms), jwks["keys"])
            if self._is_failing:
                _log.info("the keys of a trusted issuer can be read again", extra={"issuer": self.trusted.issuer})
            self._is_failing = False
        except (OSError, ValueError, RecursionError) as error:
            self._is_failing = True
            kept = "the last good ones stay" if self._keys else "none of its tokens passes until they can"
            _log.warning(
                "the keys of a trusted issuer cannot be read: %s",
                kept,
                extra={
                    "issuer": self.trusted.issuer,
                    "jwks": self.trusted.jwks,
                    "reason": f"{type(error).__name__}: {error}",
                },
            )
        finally:
            self._reading = None

    def _take_in(self, keys: Mapping[tuple[str, str], PublicKey], published: list[object]) -> None:
        self._keys, self._ids = keys, frozenset(key_id for key_id, _ in keys)
        # Compared as they stand there: a key may also be exchanged under its id.
        is_gone = not all(key in published for key in self._published)
        self._published = published
        if is_gone and self._on_gone is not None:
            self._on_gone()
