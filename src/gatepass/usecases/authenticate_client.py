"""Which OAuth client is asking: the one place that says so, whatever it asks for."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.domain import client_assertion, client_secret
from gatepass.domain.access_token import FIRST_PARTY_CLIENT
from gatepass.domain.client import BUILT_IN, Client, ClientAuthentication
from gatepass.domain.errors import ClientRefused
from gatepass.domain.secret import Secret
from gatepass.usecases.ports import AssertionReader, ClientAssertions, Clients, Clock, StoredClient


@dataclass(frozen=True, slots=True)
class NoProof:
    """A client that says who it is, and proves nothing."""

    client_id: str


@dataclass(frozen=True, slots=True)
class SecretProof:
    """A client that sends its secret."""

    client_id: str
    secret: Secret[str]


@dataclass(frozen=True, slots=True)
class AssertionProof:
    """A client that sends an assertion; `client_id` is what it said beside it, if it did."""

    assertion: Secret[str]
    client_id: str | None = None


Proof = NoProof | SecretProof | AssertionProof


@dataclass(frozen=True, slots=True)
class AuthenticateClient:
    """
    Finds the client and checks that it is. Fails closed.

    A client proves itself in the one way that it was registered for. That a secret is wrong and that a client is
    unknown look the same, and cost the same: a comparison or the check of a signature, whoever asks.
    """

    clients: Clients
    reader: AssertionReader
    spent: ClientAssertions
    clock: Clock
    audiences: frozenset[str]

    async def __call__(self, proof: Proof) -> Client:
        """
        The client.

        Raises:
            ClientRefused: not registered, or not proven. Nothing was written, unless an assertion was good: that counts
                once, whatever becomes of the request.

        Source: RFC 6749 §2.3, RFC 7523 §2.2 and §3.
        """
        match proof:
            case NoProof(client_id):
                return self._expect(await self._find(client_id), ClientAuthentication.NONE).client
            case SecretProof(client_id, secret):
                stored = await self._find(client_id)
                is_right = client_secret.is_right(secret, stored.secret_digest if stored else None)
                return self._expect(stored, ClientAuthentication.SECRET, is_proven=is_right).client
            case AssertionProof(assertion, client_id):
                return await self._check_assertion(assertion, client_id)

    async def find(self, client_id: str) -> Client | None:
        """The client with this id, unproven: for pages, where a browser says which one it is."""
        stored = await self._find(client_id)
        return stored.client if stored else None

    async def _find(self, client_id: str) -> StoredClient | None:
        if client_id == FIRST_PARTY_CLIENT:
            return StoredClient(BUILT_IN, None)
        return await self.clients.find(client_id)

    async def _check_assertion(self, assertion: Secret[str], client_id: str | None) -> Client:
        said = self.reader.read(assertion)
        if client_id is not None and client_id != said.subject:
            raise ClientRefused("client_id is not the sub of client_assertion.")
        stored = await self._find(said.subject)
        is_signed = self.reader.is_signed_by(assertion, stored.client.jwks if stored else "")
        client = self._expect(stored, ClientAuthentication.PRIVATE_KEY_JWT, is_proven=is_signed).client
        client_assertion.check(said, self.audiences, self.clock())
        # After the clock's skew it is refused as expired, so it may be forgotten then and not before.
        if not await self.spent.spend(said.digest, said.expires_at + client_assertion.CLOCK_SKEW):
            raise ClientRefused("client_assertion was used before: make a new one, with a jti of its own.")
        return client

    @staticmethod
    def _expect(
        stored: StoredClient | None, authentication: ClientAuthentication, *, is_proven: bool = True
    ) -> StoredClient:
        if stored is None or stored.client.authentication is not authentication or not is_proven:
            raise ClientRefused
        return stored
