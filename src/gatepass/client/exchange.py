"""`signIn`, `signInRefresh` and `signOut` with any server: what is asked, and what its answer means. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from gatepass.client.effects import Answer, Flow, Pause, Send
from gatepass.client.errors import ClientError, GraphQLErrors, ProtocolError, ServerUnreachable, SignInRefused, code_of
from gatepass.client.reply import graphql_request, reply_from
from gatepass.client.tokens import Held, held_from_answer

_TOKENS: Final = ("accessToken", "refreshToken")
SIGN_OUT: Final = "mutation signOut($everywhere: Boolean!) { signOut(everywhere: $everywhere) { sessions } }"
_LIFETIME: Final = "expiresIn"
_HINT: Final = "deviceHint"
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


def sign_in(endpoint: Endpoint, username: str, password: str, *, before: Held | None = None) -> Flow[Held]:
    """
    Trade a user and password for tokens.

    Args:
        before: what this user had in hand here. Its device hint is sent along: with it a server that limits guessing
            knows who signed in before, and lets them in while strangers have to wait.

    Raises:
        SignInRefused: they are wrong.
        ServerUnreachable: no answer; not asked again, since that might open a second session.
    """
    return (yield from _pair(endpoint, "signIn", {"userName": username, "password": password}, before))


def refresh(endpoint: Endpoint, before: Held) -> Flow[Held]:
    """
    Trade a refresh token for the next pair. A lost answer is asked for again with the same token.

    Raises:
        SignInRefused: the token is no good (any more).
        ServerUnreachable, PassingRefusal: no answer after all attempts; the token may still be good.
    """
    variables = {"refreshToken": before.refresh or ""}
    for seconds in RETRY_SECONDS:
        try:
            return (yield from _pair(endpoint, "signInRefresh", variables, before))
        except (ServerUnreachable, PassingRefusal):
            yield Pause(seconds)
    return (yield from _pair(endpoint, "signInRefresh", variables, before))


def _pair(endpoint: Endpoint, name: str, variables: Mapping[str, str], before: Held | None) -> Flow[Held]:
    """Ask for all that the server may have; for less where it has less, which it says before it runs anything."""
    before = before or Held("")
    wanted = _wanted(before)
    while True:
        given = dict(variables)
        if name == "signIn" and _HINT in wanted and before.device_hint is not None:
            given[_HINT] = before.device_hint
        asked_at = endpoint.clocks.monotonic()
        query = _document(name, given, (*_TOKENS, *wanted), management_flow=endpoint.management_flow)
        answer: Answer = yield Send(graphql_request(endpoint.url, query, given))
        left = _left(answer, wanted, before)
        if left is None:
            return _held(answer, endpoint, name, asked_at, replace(before, says_lifetime=_LIFETIME in wanted))
        wanted = left


def _document(name: str, given: Iterable[str], fields: Iterable[str], *, management_flow: bool) -> str:
    """Scalars as variables, objects inline: the names of the input types are not in the specification."""
    parameters = ", ".join(f"${each}: String!" for each in given)
    credentials = ", ".join(f"{each}: ${each}" for each in given)
    flow = "true" if management_flow else "false"
    return (
        f"mutation {name}({parameters}) {{ {name}(useManagementflow: {flow}, credentials: {{{credentials}}}) "
        f"{{ {' '.join(fields)} }} }}"
    )


def _wanted(before: Held) -> tuple[str, ...]:
    """Fields beyond those of the specification; a server without the first has no second."""
    if before.says_lifetime is False:
        return ()
    return (_LIFETIME,) if before.gives_hint is False else (_LIFETIME, _HINT)


def _left(answer: Answer, wanted: tuple[str, ...], before: Held) -> tuple[str, ...] | None:
    """
    What to ask for in place of `wanted`, where the server refused the document and not the credentials; else None.

    It names a field; or it hides its reasons and says only that nothing ran: then the plain document decides. Some
    servers put `data: null` beside what should have no data at all.
    """
    messages = _refused_document(answer) if wanted else None
    if messages is None:
        return None
    if _LIFETIME in messages:
        return ()
    if _HINT in wanted and _HINT in messages:
        return (_LIFETIME,)
    if answer.status != _BAD_REQUEST:
        return None
    if before.says_lifetime is None:
        return ()
    return (_LIFETIME,) if _HINT in wanted and before.gives_hint is None else None


def _refused_document(answer: Answer) -> str | None:
    """What the errors of an answer say, if nothing ran."""
    body = answer.body
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list) or not errors or body.get("data") is not None:
        return None
    if any(isinstance(error, dict) and error.get("path") for error in errors):
        return None
    return " ".join(str(error.get("message")) for error in errors if isinstance(error, dict))


def _held(answer: Answer, endpoint: Endpoint, name: str, asked_at: float, before: Held) -> Held:
    if answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR:
        _raise_passing(answer, endpoint.url)
    reply = reply_from(answer, endpoint.url)
    fields = (reply.data or {}).get(name)
    if isinstance(fields, dict) and fields.get("accessToken"):
        held = held_from_answer(
            fields, asked_at=asked_at, wall=endpoint.clocks.wall(), says_lifetime=before.says_lifetime
        )
        return replace(
            held, device_hint=held.device_hint or before.device_hint, gives_hint=held.device_hint is not None
        )
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
