"""OAuth clients, as they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatepass.domain.audit import Note
from gatepass.domain.client import Client


@dataclass(frozen=True, slots=True)
class StoredClient:
    """A client with the SHA-256 of its secret; `None` where it has no secret."""

    client: Client
    secret_digest: bytes | None


class Clients(Protocol):
    """
    Clients that were registered, with the accounts of those that act for themselves (`Client.own_account`).

    Ending a client ends its sessions, in the same transaction.
    """

    async def add(self, stored: StoredClient, *, note: Note[None] | None = None) -> None:
        """Store a new client, and its own account where it has one. Its id was never used before."""
        ...

    async def find(self, client_id: str) -> StoredClient | None:
        """The client with exactly this id."""
        ...

    async def all(self) -> Sequence[Client]:
        """Every client, oldest first."""
        ...

    async def replace_secret(
        self, client_id: str, secret_digest: bytes, now: datetime, *, note: Note[bool] | None = None
    ) -> bool:
        """
        Give it another secret, and revoke what it got for itself with the old one; people's sign-ins live on.

        Returns:
            False: no such client, or one without a secret; nothing was written.
        """
        ...

    async def remove(self, client_id: str, now: datetime, *, note: Note[bool] | None = None) -> bool:
        """
        Remove a client: its own account goes, its sessions are revoked, open codes for it end.

        Returns:
            False: no such client; nothing was written.
        """
        ...


class ClientAssertions(Protocol):
    """Assertions by which clients have proven who they are."""

    async def spend(self, digest: bytes, expires_at: datetime) -> bool:
        """
        Note that this assertion was used, durably. False: it was used before; nothing was written.

        Args:
            digest: of the client and the assertion's `jti`.
            expires_at: until when it has to be remembered.
        """
        ...

    async def sweep(self, expired_before: datetime, limit: int) -> int:
        """Forget up to `limit` that have expired; how many."""
        ...
