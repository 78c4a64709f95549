"""`client_credentials`: a client for itself. RFC 6749 §4.4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from gatepass.domain.access_token import IssuedAccess
from gatepass.domain.account import Scope
from gatepass.domain.client import Client, GrantType
from gatepass.domain.occasion import Occasion
from gatepass.oauth.grants.grant import TokenRequest


class ServiceDeed(Protocol):
    """`usecases.sign_in_service.SignInService`."""

    async def __call__(self, client: Client, scopes: tuple[Scope, ...], occasion: Occasion) -> IssuedAccess:
        """Open a session of the client's own."""
        ...


@dataclass(frozen=True, slots=True)
class ClientCredentialsGrant:
    """For clients that prove who they are, and for nobody else."""

    sign_in: ServiceDeed
    grant_type: ClassVar[GrantType] = GrantType.CLIENT_CREDENTIALS
    takes_public_clients: ClassVar[bool] = False

    async def issue(self, request: TokenRequest) -> IssuedAccess:
        """An access token, without a refresh token: the client can always ask again (RFC 6749 §4.4.3)."""
        return await self.sign_in(request.client, request.scopes or (), request.occasion)
