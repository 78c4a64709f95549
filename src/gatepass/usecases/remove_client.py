"""Remove a client."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.domain.client import Client
from gatepass.usecases.find_client import find_client
from gatepass.usecases.ports import Clients, Clock


@dataclass(frozen=True, slots=True)
class RemoveClient:
    """Removes a client; every sign-in with it ends, of people too. Its id is never used again."""

    clients: Clients
    clock: Clock

    async def __call__(self, client_id: str) -> Client:
        """
        The client that is gone.

        Raises:
            BadUserInput: no such client.
        """
        client = await find_client(self.clients, client_id)
        await self.clients.remove(client_id, self.clock())
        return client
