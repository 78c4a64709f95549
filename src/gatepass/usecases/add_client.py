"""Register an OAuth client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gatepass.domain import client_secret, redirect_uri
from gatepass.domain.account import scopes
from gatepass.domain.client import Client, ClientAuthentication, GrantType, check, grant_types
from gatepass.domain.identifiers import RANDOM_BYTES, uuid7
from gatepass.domain.secret import Secret
from gatepass.usecases.ports import Clients, Clock, RandomBytes, StoredClient


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """
    What an operator says of a client.

    Args:
        grants: empty: authorization_code and refresh_token where there are redirect URIs, else client_credentials.
        granted: the scopes that it may have at most; None for all that an account has.
        jwks: its public keys, as `crypto.client_keys.public_keys` gave them; empty unless it signs.
    """

    name: str
    redirect_uris: Sequence[str] = ()
    grants: Sequence[str] = ()
    granted: Sequence[str] | None = ()
    is_public: bool = False
    is_first_party: bool = False
    jwks: str = ""

    @property
    def authentication(self) -> ClientAuthentication:
        """How it proves who it is."""
        if self.jwks:
            return ClientAuthentication.PRIVATE_KEY_JWT
        return ClientAuthentication.NONE if self.is_public else ClientAuthentication.SECRET

    @property
    def grant_types(self) -> frozenset[GrantType]:
        """
        How it gets tokens.

        Raises:
            BadUserInput: a word that is no grant.
        """
        if self.grants:
            return grant_types(self.grants)
        if self.redirect_uris:
            return frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
        return frozenset({GrantType.CLIENT_CREDENTIALS})


@dataclass(frozen=True, slots=True)
class AddClient:
    """Registers a client, and makes its secret."""

    clients: Clients
    clock: Clock
    random: RandomBytes

    async def __call__(self, new: NewClient) -> tuple[Client, Secret[str] | None]:
        """
        The new client with its secret, which is shown this once; None where it has none.

        Raises:
            BadUserInput: its parts cannot be used, or do not fit together; nothing was written.
        """
        now = self.clock()
        client = check(
            Client(
                id=str(uuid7(now, self.random(RANDOM_BYTES))),
                name=new.name,
                authentication=new.authentication,
                grants=new.grant_types,
                scopes=None if new.granted is None else scopes(tuple(new.granted)),
                redirect_uris=tuple(dict.fromkeys(map(redirect_uri.check_new, new.redirect_uris))),
                created_at=now,
                is_first_party=new.is_first_party,
                jwks=new.jwks,
            )
        )
        if client.authentication is not ClientAuthentication.SECRET:
            await self.clients.add(StoredClient(client, None))
            return client, None
        secret = client_secret.make(self.random(client_secret.RANDOM_BYTES))
        await self.clients.add(StoredClient(client, client_secret.digest(secret)))
        return client, secret
