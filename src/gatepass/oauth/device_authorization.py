"""`/oauth/device_authorization`: a device asks for its two codes. RFC 8628 §3.1 and §3.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from gatepass.domain import scope_request, user_code
from gatepass.domain.account import Scope
from gatepass.domain.client import GrantType
from gatepass.domain.errors import GrantRefused
from gatepass.domain.session import SessionOrigin
from gatepass.http.messages import Request
from gatepass.http.origin import origin_of
from gatepass.oauth.client_proof import client_proof
from gatepass.oauth.form import Parameters
from gatepass.oauth.token import AuthenticateClientDeed
from gatepass.usecases.start_device_sign_in import StartedDeviceSignIn


class StartDeed(Protocol):
    """`usecases.start_device_sign_in.StartDeviceSignIn`."""

    async def __call__(
        self, client_id: str, scopes: tuple[Scope, ...] | None, origin: SessionOrigin
    ) -> StartedDeviceSignIn:
        """Two fresh codes."""
        ...


class DeviceAuthorizationEndpoint:
    """Gives a device its codes."""

    def __init__(self, authenticate_client: AuthenticateClientDeed, start: StartDeed, page: str) -> None:
        self._authenticate_client = authenticate_client
        self._start = start
        self._page = page

    async def __call__(self, request: Request, form: Parameters) -> Mapping[str, Any]:
        """The members of the answer."""
        client = await self._authenticate_client(client_proof(request, form))
        scopes = scope_request.narrowed(scope_request.parse(form.get("scope")), client.scopes)
        if GrantType.DEVICE_CODE not in client.grants:
            raise GrantRefused("This client was not registered for sign-in on devices.")
        started = await self._start(client.id, scopes, origin_of(request))
        shown = user_code.shown(started.user_code)
        return {
            "device_code": started.device_code.reveal(),
            "user_code": shown,
            "verification_uri": self._page,
            "verification_uri_complete": f"{self._page}?user_code={shown}",
            "expires_in": int(started.expires_in.total_seconds()),
            "interval": int(started.interval.total_seconds()),
        }
