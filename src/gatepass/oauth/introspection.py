"""`/oauth/introspect`: whether a token is good, and what it says; of one that is not, nothing else. RFC 7662 §2."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from gatepass.domain.access_token import AccessClaims
from gatepass.domain.errors import GrantRefused
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session
from gatepass.http.messages import Request
from gatepass.oauth.client_proof import client_proof
from gatepass.oauth.form import Parameters
from gatepass.oauth.token import AuthenticateClientDeed

_INACTIVE: Final[Mapping[str, Any]] = {"active": False}
_FOR_WHO_PROVES_IT: Final = "Introspection is for clients that prove who they are (RFC 7662, section 2.1)."


class LookUpDeed(Protocol):
    """`usecases.look_up_token.LookUpToken`."""

    async def __call__(self, token: Secret[str]) -> AccessClaims | Session | None:
        """What a token stands for; None of one that is not good."""
        ...


class IntrospectionEndpoint:
    """
    Tells clients that prove who they are about access tokens, and about refresh tokens of their own.

    Access tokens are for APIs, which ask about tokens that other clients got. A refresh token is for this server alone:
    to everybody but its client it is inactive.
    """

    def __init__(self, authenticate_client: AuthenticateClientDeed, look_up: LookUpDeed) -> None:
        self._authenticate_client = authenticate_client
        self._look_up = look_up

    async def __call__(self, request: Request, form: Parameters) -> Mapping[str, Any]:
        """The members of RFC 7662 §2.2."""
        client = await self._authenticate_client(client_proof(request, form))
        if client.is_public:
            raise GrantRefused(_FOR_WHO_PROVES_IT)
        match await self._look_up(form.secret("token")):
            case AccessClaims() as claims:
                return _of_access(claims)
            case Session() as session if session.client_id == client.id:
                return _of_refresh(session)
            case _:
                return _INACTIVE


def _of_access(claims: AccessClaims) -> Mapping[str, Any]:
    return {
        "active": True,
        "token_type": "Bearer",
        "iss": claims.issuer,
        "sub": str(claims.subject),
        "aud": claims.audience,
        "client_id": claims.client_id,
        "scope": " ".join(claims.scopes),
        "sid": str(claims.session),
        "jti": claims.token_id,
        "iat": _seconds(claims.issued_at),
        "exp": _seconds(claims.expires_at),
        "auth_time": _seconds(claims.authenticated_at),
    }


def _of_refresh(session: Session) -> Mapping[str, Any]:
    return {
        "active": True,
        "sub": str(session.account.id),
        "client_id": session.client_id,
        "scope": " ".join(session.scopes),
        "sid": str(session.id),
        "iat": _seconds(session.rotated_at),
        "exp": _seconds(session.ends_at),
        "auth_time": _seconds(session.opened_at),
    }


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
