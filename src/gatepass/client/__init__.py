"""
The client: sign in once, query, and the token stays fresh.

    from gatepass.client import Client
    api = Client("https://api.example.org/graphql/", username="ada@example.org", password=getpass())
    data = api("{ companies { items { company_name } } }")

Owns: getting and renewing access tokens from any server that has `signIn` and `signInRefresh`, GraphQL over HTTP as a
client speaks it, where credentials come from and where a sign-in is kept, and the same for other people's HTTP clients.
Does not know: anything else of Gatepass but its version; what a server is beyond those two mutations.
Called by: people's scripts and programs, and `gatepass.cli`.

Inside, flows are generators without I/O (`flows`, `exchange`, `device`, `subscription_protocol`); `blocking` and
`tasks` carry out what they ask for. Names are imported on first use: `gatepass token` needs no HTTP client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatepass.client.aiohttp_bearer import AiohttpBearer as AiohttpBearer
    from gatepass.client.async_client import AsyncClient as AsyncClient
    from gatepass.client.bearer_auth import BearerAuth as BearerAuth
    from gatepass.client.calls import Operation as Operation
    from gatepass.client.client import Client as Client
    from gatepass.client.errors import ClientError as ClientError
    from gatepass.client.errors import GraphQLErrors as GraphQLErrors
    from gatepass.client.errors import ProtocolError as ProtocolError
    from gatepass.client.errors import ServerUnreachable as ServerUnreachable
    from gatepass.client.errors import SignInRefused as SignInRefused
    from gatepass.client.errors import SignInRequired as SignInRequired
    from gatepass.client.reply import Reply as Reply

_HOMES = {
    "AiohttpBearer": "gatepass.client.aiohttp_bearer",
    "AsyncClient": "gatepass.client.async_client",
    "BearerAuth": "gatepass.client.bearer_auth",
    "Client": "gatepass.client.client",
    "ClientError": "gatepass.client.errors",
    "GraphQLErrors": "gatepass.client.errors",
    "Operation": "gatepass.client.calls",
    "ProtocolError": "gatepass.client.errors",
    "Reply": "gatepass.client.reply",
    "ServerUnreachable": "gatepass.client.errors",
    "SignInRefused": "gatepass.client.errors",
    "SignInRequired": "gatepass.client.errors",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - computed from the homes, and compared by a test


if not TYPE_CHECKING:  # a checker would take any name that is misspelt for one of ours

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'gatepass.client' has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
