"""`signIn`, `signInRefresh` and `signOut` with any server: what is asked, and what its answer means. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from gatepass.client.effects import Answer, Flow, Pause, Send
from gatepass.client.errors import ClientError, GraphQLErrors, ProtocolError, ServerUnreachable, SignInRefused, code_of
from gatepass.client.reply import graphql_request, reply_from
from gatepass.client.tokens import Held, held_from_answer

# Scalars as variables, objects inline: the names of the input types are not in the specification.
_SIGN_IN: Final = (
    "mutation signIn($userName: String!, $password: String!) {{ signIn(useManagementflow: {flow}, "
    "credentials: {{userName: $userName, password: $password}}) {{ accessToken refreshToken{more} }} }}"
)
_REFRESH: Final = (
    "mutation signInRefresh($refreshToken: String!) {{ signInRefresh(useManagementflow: {flow}, "
    "credentials: {{refreshToken: $refreshToken}}) {{ accessToken refreshToken{more} }} }}"
)
SIGN_OUT: Final = "mutation signOut($everywhere: Boolean!) { signOut(everywhere: $everywhere) { sessions } }"
_LIFETIME: Final = "expiresIn"
# Refused now, not for good: the same may be asked again.
_PASSING_CODES: Final = frozenset(
    ("RATE_LIMITED", "OVERLOADED", "INTERNAL", "INTERNAL_SERVER_ERROR", "UPSTREAM_UNAVAILABLE")
)
_TOO_MANY, _SERVER_ERROR, _BAD_REQUEST = 429, 500, 400
# Between the attempts of a refresh whose answer was lost.
RETRY_SECONDS: Final = (0.1, 0.5)


class PassingRefusal(GraphQLErrors):
    """The server could not do it now: too busy, or an error of its own. Nothing was refused for good."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """`monotonic` counts lives; `wall` is for the store alone."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server, and whether it checks passwords itself (`useManagementflow`)."""

    url: str
    management_flow: bool
    clocks: Clocks


def sign_in(endpoint: Endpoint, username: str, password: str, *, says_lifetime: bool | None = None) -> Flow[Held]:
    """
    Trade a user and password for tokens.

    Raises:
        SignInRefused: they are wrong.
        ServerUnreachable: no answer; not asked again, since that might open a second session.
    """
    variables = {"userName": username, "password": password}
    return (yield from _pair(endpoint, "signIn", _SIGN_IN, variables, says_lifetime))


def refresh(endpoint: Endpoint, refresh_token: str, *, says_lifetime: bool | None = None) -> Flow[Held]:
    """
    Trade a refresh token for the next pair. A lost answer is asked for again with the same token.

    Raises:
        SignInRefused: the token is no good (any more).
        ServerUnreachable, PassingRefusal: no answer after all attempts; the token may still be good.
    """
    variables = {"refreshToken": refresh_token}
    for seconds in RETRY_SECONDS:
        try:
            return (yield from _pair(endpoint, "signInRefresh", _REFRESH, variables, says_lifetime))
        except (ServerUnreachable, PassingRefusal):
            yield Pause(seconds)
    return (yield from _pair(endpoint, "signInRefresh", _REFRESH, variables, says_lifetime))


def _pair(
    endpoint: Endpoint, name: str, document: str, variables: Mapping[str, Any], says_lifetime: bool | None
) -> Flow[Held]:
    """Ask with `expiresIn`; without it where the server has none, which it says before it runs anything."""
    if says_lifetime is not False:
        asked_at = endpoint.clocks.monotonic()
        answer = yield from _asked(endpoint, document, variables, f" {_LIFETIME}")
        if not _knows_no_lifetime(answer, is_known=says_lifetime is True):
            return _held(answer, endpoint, name, asked_at, says_lifetime=True)
    asked_at = endpoint.clocks.monotonic()
    answer = yield from _asked(endpoint, document, variables, "")
    return _held(answer, endpoint, name, asked_at, says_lifetime=False)


def _asked(endpoint: Endpoint, document: str, variables: Mapping[str, Any], more: str) -> Flow[Answer]:
    query = document.format(flow="true" if endpoint.management_flow else "false", more=more)
    answer: Answer = yield Send(graphql_request(endpoint.url, query, variables))
    return answer


def _knows_no_lifetime(answer: Answer, *, is_known: bool) -> bool:
    """
    Whether the server refused the document, not the credentials.

    It names the field; or it hides its reasons and says only that nothing ran: then the plain document decides. Some
    servers put `data: null` beside what should have no data at all.
    """
    body = answer.body
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list) or not errors or body.get("data") is not None:
        return False
    if any(isinstance(error, dict) and error.get("path") for error in errors):
        return False  # it ran
    if any(_LIFETIME in str(error.get("message")) for error in errors if isinstance(error, dict)):
        return True
    return answer.status == _BAD_REQUEST and not is_known


def _held(answer: Answer, endpoint: Endpoint, name: str, asked_at: float, *, says_lifetime: bool) -> Held:
    if answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR:
        _raise_passing(answer, endpoint.url)
    reply = reply_from(answer, endpoint.url)
    fields = (reply.data or {}).get(name)
    if isinstance(fields, dict) and fields.get("accessToken"):
        return held_from_answer(fields, asked_at=asked_at, wall=endpoint.clocks.wall(), says_lifetime=says_lifetime)
    if not reply.errors:
        raise ProtocolError(f"{endpoint.url} answered {name} without tokens.", request_id=reply.request_id)
    kind = PassingRefusal if code_of(reply.errors) in _PASSING_CODES else SignInRefused
    # Not the data: a part of a pair may be in it.
    raise kind(reply.errors, request_id=reply.request_id)


def _raise_passing(answer: Answer, url: str) -> NoReturn:
    try:
        errors = reply_from(answer, url).errors
    except ClientError as error:
        raise ServerUnreachable(str(error)) from error
    raise PassingRefusal(errors, request_id=answer.request_id)
