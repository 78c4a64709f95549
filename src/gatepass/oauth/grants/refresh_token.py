"""`refresh_token`: the second door to `signInRefresh`. RFC 6749 §6."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from gatepass.domain.access_token import IssuedTokens
from gatepass.domain.account import Scope
from gatepass.domain.client import GrantType
from gatepass.domain.occasion import Occasion
from gatepass.domain.secret import Secret
from gatepass.oauth.grants.grant import TokenRequest


class RefreshDeed(Protocol):
    """`usecases.sign_in_refresh.SignInRefresh`."""

    async def __call__(
        self, presented: Secret[str], occasion: Occasion, *, client_id: str, scopes: tuple[Scope, ...] | None
    ) -> IssuedTokens:
        """Trade a refresh token of this client for the next pair."""
        ...


@dataclass(frozen=True, slots=True)
class RefreshTokenGrant:
    """Public clients too: a token that rotates is noticed when two hold it (RFC 9700 §4.14.2)."""

    refresh: RefreshDeed
    grant_type: ClassVar[GrantType] = GrantType.REFRESH_TOKEN
    takes_public_clients: ClassVar[bool] = True

    async def issue(self, request: TokenRequest) -> IssuedTokens:
        """The next pair. `asked` narrows this access token alone."""
        presented = request.parameters.secret("refresh_token")
        return await self.refresh(presented, request.occasion, client_id=request.client.id, scopes=request.asked)
