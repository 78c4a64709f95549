"""
What a browser brings to `/oauth/authorize`, checked in the one order that is safe.

First who asks and where the answer may go: until both are known, nobody is sent anywhere (RFC 9700 §4.11). All that is
wrong after that is told to the client, at the address that is its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from gatepass.domain import pkce, redirect_uri, scope_request
from gatepass.domain.client import Client, GrantType
from gatepass.domain.errors import BadUserInput, ScopeRefused
from gatepass.oauth.errors import InvalidRequest, OauthError, description_of
from gatepass.oauth.form import Parameters
from gatepass.usecases.authorize import CodeRequest

FindClient = Callable[[str], Awaitable[Client | None]]

CARRIED: Final = (
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "resource",
)
"""Parameters that the page's form brings back; they are checked again then."""


@dataclass(frozen=True, slots=True)
class AnswerAddress:
    """Where the client is answered: one of its own addresses, and what it wants to recognise the answer by."""

    client: Client
    redirect_uri: str
    state: str | None
    issuer: str

    def with_code(self, code: str) -> str:
        """
        The address that brings a code.

        Source: RFC 6749 §4.1.2, RFC 9207 §2.
        """
        return self._with({"code": code})

    def with_error(self, error: str, description: str) -> str:
        """The address that brings an error. Source: RFC 6749 §4.1.2.1."""
        return self._with({"error": error, "error_description": description})

    def _with(self, members: dict[str, str]) -> str:
        if self.state is not None:
            members["state"] = self.state
        members["iss"] = self.issuer
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{urlencode(members)}"


async def answer_address(parameters: Parameters, find_client: FindClient, issuer: str) -> AnswerAddress:
    """
    Who asks, and where the answer goes.

    Raises:
        InvalidRequest: that is not known; it is to be said on a page, and nowhere else.

    Source: RFC 6749 §3.1.2.4 and §4.1.2.1.
    """
    client = await find_client(parameters.require("client_id"))
    if client is None:
        raise InvalidRequest("The program that sent you here is not registered: its client_id is unknown.")
    if GrantType.AUTHORIZATION_CODE not in client.grants:
        raise InvalidRequest("The program that sent you here was not registered to sign people in with a browser.")
    asked = parameters.require("redirect_uri")
    if not redirect_uri.is_registered(asked, client.redirect_uris):
        raise InvalidRequest("The address to send you back to is not one of the program that sent you here.")
    return AnswerAddress(client, asked, parameters.get("state"), issuer)


def code_request(parameters: Parameters, address: AnswerAddress, resources: frozenset[str]) -> CodeRequest:
    """
    What the client asks for.

    Raises:
        OauthError: the client is to be told, with `AnswerAddress.with_error`.

    Source: RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2.
    """
    for unsupported in ("request", "request_uri"):
        if parameters.get(unsupported) is not None:
            raise OauthError(f"{unsupported}_not_supported", "Send the parameters themselves.")
    if parameters.require("response_type") != "code":
        raise OauthError("unsupported_response_type", "response_type must be code.")
    if parameters.get("response_mode") not in (None, "query"):
        raise InvalidRequest("response_mode must be query.")
    resource = parameters.get("resource")
    if resource is not None and resource not in resources:
        raise OauthError("invalid_target", f"Tokens of this server are for {' or '.join(sorted(resources))}.")
    if parameters.get("prompt") == "none":
        raise OauthError("login_required", "Nobody stays signed in here: somebody has to sign in each time.")
    try:
        challenge = pkce.challenge(parameters.get("code_challenge"), parameters.get("code_challenge_method"))
        scopes = scope_request.narrowed(scope_request.parse(parameters.get("scope")), address.client.scopes)
    except ScopeRefused as refused:
        raise OauthError("invalid_scope", description_of(refused)) from None
    except BadUserInput as refused:
        raise InvalidRequest(refused.message) from None
    return CodeRequest(address.client.id, address.redirect_uri, challenge, scopes)
