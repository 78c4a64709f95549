"""`authorization_code`: what a browser brought back, for tokens. RFC 6749 §4.1.3, RFC 7636 §4.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from gatepass.domain.access_token import IssuedTokens
from gatepass.domain.authorization_code import PresentedCode
from gatepass.domain.client import GrantType
from gatepass.domain.occasion import Occasion
from gatepass.domain.secret import Secret
from gatepass.oauth.grants.grant import TokenRequest


class RedeemDeed(Protocol):
    """`usecases.redeem_code.RedeemCode`."""

    async def __call__(self, code: Secret[str], presented: PresentedCode, occasion: Occasion) -> IssuedTokens:
        """Trade a code for a session, once."""
        ...


@dataclass(frozen=True, slots=True)
class AuthorizationCodeGrant:
    """Public clients too: PKCE ties the code to whoever asked for it."""

    redeem: RedeemDeed
    grant_type: ClassVar[GrantType] = GrantType.AUTHORIZATION_CODE
    takes_public_clients: ClassVar[bool] = True

    async def issue(self, request: TokenRequest) -> IssuedTokens:
        """The pair. What it may say was settled when the code was given."""
        parameters = request.parameters
        code = parameters.secret("code")
        presented = PresentedCode(
            request.client.id, parameters.require("redirect_uri"), parameters.require("code_verifier")
        )
        return await self.redeem(code, presented, request.occasion)
