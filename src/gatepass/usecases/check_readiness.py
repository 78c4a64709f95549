"""Whether this process can do its work: store reachable and migrated, revocations known, keys usable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gatepass.domain.errors import Fault
from gatepass.usecases.ports import Store
from gatepass.usecases.revoked_sessions import RevokedSessions


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Never waits behind password hashing, and tells nothing that an outsider could use."""

    store: Store
    check_keys: Callable[[], None]
    """Raises a `Fault` unless there are keys that can be used."""
    revoked: RevokedSessions

    async def __call__(self) -> Mapping[str, bool]:
        """Each part with whether it is in order; ready is when all are."""
        return {
            "store": await self._store_answers(),
            "revocations": _holds(self.revoked.check_fresh),
            "keys": _holds(self.check_keys),
        }

    async def _store_answers(self) -> bool:
        try:
            await self.store.check()
        except Fault:
            return False
        return True


def _holds(check: Callable[[], object]) -> bool:
    try:
        check()
    except Fault:
        return False
    return True
