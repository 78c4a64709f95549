"""`urn:ietf:params:oauth:grant-type:device_code`: a device asks whether somebody has let it in. RFC 8628 §3.4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from gatepass.domain.access_token import IssuedTokens
from gatepass.domain.client import GrantType
from gatepass.domain.device_code import Wait
from gatepass.domain.occasion import Occasion
from gatepass.domain.secret import Secret
from gatepass.oauth.errors import OauthError
from gatepass.oauth.grants.grant import TokenRequest


class PollDeed(Protocol):
    """`usecases.poll_device.PollDevice`."""

    async def __call__(self, code: Secret[str], client_id: str, occasion: Occasion) -> IssuedTokens | Wait:
        """The tokens of the device's session, or that it has to wait."""
        ...


@dataclass(frozen=True, slots=True)
class DeviceCodeGrant:
    """Public clients too: whoever approves compares the codes."""

    poll: PollDeed
    grant_type: ClassVar[GrantType] = GrantType.DEVICE_CODE
    takes_public_clients: ClassVar[bool] = True

    async def issue(self, request: TokenRequest) -> IssuedTokens:
        """The pair, once somebody has said yes."""
        outcome = await self.poll(request.parameters.secret("device_code"), request.client.id, request.occasion)
        if not isinstance(outcome, Wait):
            return outcome
        seconds = outcome.interval.total_seconds()
        if outcome.too_early:
            raise OauthError("slow_down", f"That was too early: ask every {seconds:.0f} seconds from now on.")
        raise OauthError("authorization_pending", f"Nobody has answered yet: ask again in {seconds:.0f} seconds.")
