"""
`/oauth/token`: client → scope → policy → grant → answer. The phases are here, once; a grant fills in what differs.

Source: RFC 6749 §3.2 and §5.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from gatepass.domain import scope_request
from gatepass.domain.access_token import IssuedAccess, IssuedTokens
from gatepass.domain.client import Client, GrantType
from gatepass.domain.errors import GrantRefused
from gatepass.domain.occasion import Door
from gatepass.http.messages import Request
from gatepass.http.occasion import occasion_of
from gatepass.oauth.client_proof import client_proof
from gatepass.oauth.errors import OauthError
from gatepass.oauth.form import Parameters
from gatepass.oauth.grants.grant import Grant, TokenRequest
from gatepass.usecases.authenticate_client import Proof

AuthenticateClientDeed = Callable[[Proof], Awaitable[Client]]
_NO_PASSWORDS: Final = (
    "Passwords are not taken here (RFC 9700, section 2.4): use the mutation signIn, or another grant."
)


class TokenEndpoint:
    """
    Gives tokens.

    Which grant it is comes first, because the phases ask it what it takes; that says nothing of anybody.
    """

    def __init__(
        self, authenticate_client: AuthenticateClientDeed, grants: Iterable[Grant], resources: frozenset[str]
    ) -> None:
        """
        Take who says which client it is, and the grants.

        Args:
            resources: as what the API may be named in the parameter `resource` (RFC 8707).
        """
        self._authenticate_client = authenticate_client
        self._grants: dict[str, Grant] = {grant.grant_type: grant for grant in grants}
        self._resources = resources

    async def __call__(self, request: Request, form: Parameters) -> Mapping[str, Any]:
        """The members of the answer."""
        grant = self._grant(form.require("grant_type"))
        client = await self._authenticate_client(client_proof(request, form))
        asked = scope_request.parse(form.get("scope"))
        scopes = scope_request.narrowed(asked, client.scopes)
        self._check_policy(client, grant, form.get("resource"))
        issued = await grant.issue(TokenRequest(client, asked, scopes, form, occasion_of(request, Door.OAUTH)))
        return _answer(client, issued)

    def _grant(self, word: str) -> Grant:
        grant = self._grants.get(word)
        if grant is None:
            words = _NO_PASSWORDS if word == "password" else f"The grants are: {', '.join(sorted(self._grants))}."
            raise OauthError("unsupported_grant_type", words)
        return grant

    def _check_policy(self, client: Client, grant: Grant, resource: str | None) -> None:
        if grant.grant_type not in client.grants:
            raise GrantRefused(f"This client was not registered for the grant {grant.grant_type}.")
        if client.is_public and not grant.takes_public_clients:
            raise GrantRefused(f"The grant {grant.grant_type} is for clients that prove who they are.")
        if resource is not None and resource not in self._resources:
            raise OauthError("invalid_target", f"Tokens of this server are for {' or '.join(sorted(self._resources))}.")


def _answer(client: Client, issued: IssuedTokens | IssuedAccess) -> Mapping[str, Any]:
    """The members of RFC 6749 §5.1. Who may not refresh is not given what it would refresh with."""
    members: dict[str, Any] = {
        "access_token": issued.access_token.reveal(),
        "token_type": "Bearer",
        "expires_in": int(issued.expires_in.total_seconds()),
        "scope": " ".join(issued.scopes),
    }
    if isinstance(issued, IssuedTokens) and GrantType.REFRESH_TOKEN in client.grants:
        members["refresh_token"] = issued.refresh_token.reveal()
    return members
