"""Give a client another secret."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.domain import client_secret
from gatepass.domain.client import ClientAuthentication
from gatepass.domain.errors import BadUserInput
from gatepass.domain.secret import Secret
from gatepass.usecases.find_client import find_client
from gatepass.usecases.ports import Clients, Clock, RandomBytes


@dataclass(frozen=True, slots=True)
class RotateClientSecret:
    """
    The old secret is refused at once, and what the client got for itself with it within a second.

    People's sign-ins with it live on; to refresh them the client needs the new secret.
    """

    clients: Clients
    clock: Clock
    random: RandomBytes

    async def __call__(self, client_id: str) -> Secret[str]:
        """
        The new secret, which is shown this once.

        Raises:
            BadUserInput: no such client, or one without a secret; nothing was written.
        """
        client = await find_client(self.clients, client_id)
        if client.authentication is not ClientAuthentication.SECRET:
            raise BadUserInput(f"{client.name} has no secret: it is public, or it signs.")
        secret = client_secret.make(self.random(client_secret.RANDOM_BYTES))
        if not await self.clients.replace_secret(client_id, client_secret.digest(secret), self.clock()):
            raise BadUserInput(f"There is no client {client_id} any more.")
        return secret
