"""Find a client by its id, for operators."""

from __future__ import annotations

from gatepass.domain.access_token import FIRST_PARTY_CLIENT
from gatepass.domain.client import Client
from gatepass.domain.errors import BadUserInput
from gatepass.usecases.ports import Clients


async def find_client(clients: Clients, client_id: str) -> Client:
    """
    The client with this id.

    Raises:
        BadUserInput: there is none that could be looked at or changed.
    """
    if client_id == FIRST_PARTY_CLIENT:
        raise BadUserInput(f"{client_id} is the client that signIn is: it is always there, and cannot be changed.")
    stored = await clients.find(client_id)
    if stored is None:
        raise BadUserInput(f"There is no client {client_id}: 'gatepass client list' shows them with their ids.")
    return stored.client
