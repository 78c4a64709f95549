"""Everything kept, as one object with one life."""

from __future__ import annotations

from typing import Protocol

from gatepass.usecases.ports.accounts import Accounts
from gatepass.usecases.ports.clients import ClientAssertions, Clients
from gatepass.usecases.ports.codes import AuthorizationCodes, DeviceCodes
from gatepass.usecases.ports.counters import Counters
from gatepass.usecases.ports.keys import SealedKeys
from gatepass.usecases.ports.revocations import RevocationFeed
from gatepass.usecases.ports.sessions import Sessions
from gatepass.usecases.ports.trail import AuditTrail


class Store(Protocol):
    """Everything kept, as one object with one life."""

    @property
    def accounts(self) -> Accounts:  # noqa: D102
        ...
    @property
    def sessions(self) -> Sessions:  # noqa: D102
        ...
    @property
    def revocations(self) -> RevocationFeed:  # noqa: D102
        ...
    @property
    def authorization_codes(self) -> AuthorizationCodes:  # noqa: D102
        ...
    @property
    def device_codes(self) -> DeviceCodes:  # noqa: D102
        ...
    @property
    def counters(self) -> Counters:  # noqa: D102
        ...
    @property
    def clients(self) -> Clients:  # noqa: D102
        ...
    @property
    def client_assertions(self) -> ClientAssertions:  # noqa: D102
        ...
    @property
    def keys(self) -> SealedKeys:  # noqa: D102
        ...

    @property
    def audit(self) -> AuditTrail:  # noqa: D102
        ...

    async def check(self) -> None:
        """Raise `StoreUnavailable` unless the store is reachable and at the schema version this code expects."""
        ...

    async def close(self) -> None:
        """Finish what waits, then let go of the store."""
        ...
