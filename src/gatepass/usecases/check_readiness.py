"""Whether this process can do its work: store reachable and migrated, revocations known, keys usable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gatepass.domain.errors import Fault
from gatepass.usecases.ports import Store
from gatepass.usecases.revoked_sessions import RevokedSessions

Report = Callable[[Mapping[str, Fault]], None]
"""Called after each check with the parts that are out of order, and why."""


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Never waits behind password hashing, and tells nothing that an outsider could use: why is for `report`."""

    store: Store
    check_keys: Callable[[], None]
    """Raises a `Fault` unless there are keys that can be used."""
    revoked: RevokedSessions
    report: Report

    async def __call__(self) -> Mapping[str, bool]:
        """Each part with whether it is in order; ready is when all are."""
        faults = {
            "store": await self._fault_of_store(),
            "revocations": _fault_of(self.revoked.check_fresh),
            "keys": _fault_of(self.check_keys),
        }
        self.report({part: fault for part, fault in faults.items() if fault})
        return {part: fault is None for part, fault in faults.items()}

    async def _fault_of_store(self) -> Fault | None:
        try:
            await self.store.check()
        except Fault as fault:
            return fault
        return None


def _fault_of(check: Callable[[], object]) -> Fault | None:
    try:
        check()
    except Fault as fault:
        return fault
    return None
