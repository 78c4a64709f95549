"""`/oauth/revoke`: 200 and nothing more, whether there was something to end or not. RFC 7009 §2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from gatepass.domain.client import Client
from gatepass.domain.occasion import Door, Occasion
from gatepass.domain.secret import Secret
from gatepass.http.messages import Request
from gatepass.http.occasion import occasion_of
from gatepass.oauth.client_proof import client_proof
from gatepass.oauth.form import Parameters
from gatepass.oauth.token import AuthenticateClientDeed


class RevokeDeed(Protocol):
    """`usecases.revoke_token.RevokeToken`."""

    async def __call__(self, client: Client, token: Secret[str], occasion: Occasion) -> bool:
        """End the session behind a token of this client."""
        ...


class RevocationEndpoint:
    """
    Ends sign-ins. Public clients too: who has a token may give it up.

    `token_type_hint` is passed over: the two kinds look different.
    """

    def __init__(self, authenticate_client: AuthenticateClientDeed, revoke: RevokeDeed) -> None:
        self._authenticate_client = authenticate_client
        self._revoke = revoke

    async def __call__(self, request: Request, form: Parameters) -> Mapping[str, Any]:
        """No members: an answer that differed would tell what other clients' tokens are good for."""
        client = await self._authenticate_client(client_proof(request, form))
        await self._revoke(client, form.secret("token"), occasion_of(request, Door.OAUTH))
        return {}
