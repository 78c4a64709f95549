"""
`/authz`: whether a request may pass, for a proxy that asks before each (nginx `auth_request`, Traefik, Envoy).

200, 401 or 403, whatever is asked and however: nginx makes a 500 of anything else, and other proxies pass it to the
client as if it came from the API. All that is not a proven caller with the scopes that are asked for is refused:

- 401: no token, or none that counts, also where the header is there twice or the two spellings differ;
- 403 `insufficient_scope`: known, without a scope that is asked for;
- 403 without a word more: the answer is not known (the store is silent, or the question itself is wrong). Not 401,
  which tells a client to throw its tokens away and sign in again, and those would all come while the store is down.

A body is not read. Nothing is to be kept: revocation counts from one request to the next.

Source: RFC 6750 §3.1.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import unquote_to_bytes

from gatepass.domain.access_token import Caller
from gatepass.domain.errors import Fault, Forbidden, GatepassError, Unauthenticated
from gatepass.http.bearer import bearer_token
from gatepass.http.edge import FaultReporter, Handler, error_response
from gatepass.http.error_table import bearer_challenge
from gatepass.http.identity_headers import identity_headers
from gatepass.http.messages import NO_STORE, Request, Response
from gatepass.http.refusals import BadRequest
from gatepass.http.security_headers import NOT_A_PAGE

FORWARD_AUTH_PATH: Final = "/authz"
_OPERATION: Final = "authz"
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_SCOPE: Final = re.compile(rb"[!#-\[\]-~]+")
"""A scope token, RFC 6749 §3.3."""
_MAX_SCOPE_BYTES: Final = 1024
"""They come back in the challenge, and proxies take 4 to 8 KiB of headers; more makes an error of theirs."""
_NEEDS_TOKEN: Final = "This needs an access token in the header 'Authorization: Bearer <accessToken>'."  # noqa: S105


class ForwardAuth:
    """
    Answers a proxy.

    `?scope=read write` asks for scopes, all of them, in one parameter or several. Below `/authz/` the rest of the
    address is the client's own (Envoy puts it there): other parameters mean nothing there, and `scope` only ever asks
    for more.
    """

    def __init__(self, authenticate: Callable[[str], Awaitable[Caller]], report: FaultReporter) -> None:
        """
        Take what it asks.

        Args:
            authenticate: the caller that a bearer proves; raises `Unauthenticated`, or a `Fault` where nobody knows.
            report: told of every fault, since no answer shows it.
        """
        self._authenticate = authenticate
        self._report = report

    async def __call__(self, request: Request) -> Response:
        """The verdict; nothing is raised."""
        try:
            return await self._verdict(request)
        except Exception as error:  # nothing but the three statuses may leave, whatever breaks
            self._report(request, error)
            return _refused(_FORBIDDEN, error if isinstance(error, GatepassError) else Fault(), request)

    async def _verdict(self, request: Request) -> Response:
        try:
            caller = await self._authenticate(_token(request))
            identity = identity_headers(caller)
        except BadRequest as error:
            return _refused(_UNAUTHORIZED, error, request, bearer_challenge("invalid_request", error.message))
        except Unauthenticated as error:
            return _refused(_UNAUTHORIZED, error, request)
        try:
            asked = _scopes_asked_for(request)
        except BadRequest as error:
            return _refused(_FORBIDDEN, error, request)
        if missing := asked - caller.scopes:
            words = f"The access token lacks a scope that is needed here: {' '.join(sorted(missing))}."
            challenge = bearer_challenge("insufficient_scope", words, scope=" ".join(sorted(asked)))
            return _refused(_FORBIDDEN, Forbidden(words), request, challenge)
        # Said also where it is empty: proxies put what is said in place of what the client has sent under that name.
        own = [(b"x-gatepass-issuer", b"")] if caller.issuer is None else []
        return Response(200, b"", [*identity, *own, NO_STORE, NOT_A_PAGE], operation=_OPERATION)


def forward_auth_routes(authenticate: Callable[[str], Awaitable[Caller]], report: FaultReporter) -> dict[str, Handler]:
    """The handler by path: `/authz`, and all below it for proxies that put the client's path behind it."""
    return dict.fromkeys((FORWARD_AUTH_PATH, f"{FORWARD_AUTH_PATH}/*"), ForwardAuth(authenticate, report))


def _token(request: Request) -> str:
    token = bearer_token(request)
    if token is None:
        raise Unauthenticated(_NEEDS_TOKEN)
    return token


def _scopes_asked_for(request: Request) -> set[str]:
    """
    Every scope in the question.

    Raises:
        BadRequest: it cannot be understood. What is misspelled in a proxy's configuration must not let everybody in.
    """
    asked: set[str] = set()
    for pair in filter(None, request.query_string.replace(b"+", b" ").split(b"&")):
        name, _, value = map(unquote_to_bytes, pair.partition(b"="))
        if name == b"scope":
            scopes = value.split(b" ")
            if not all(map(_SCOPE.fullmatch, scopes)):
                raise BadRequest("The proxy's question is not understood: scope=… lists scopes, a space between them.")
            asked.update(scope.decode("ascii") for scope in scopes)
            if sum(map(len, asked)) > _MAX_SCOPE_BYTES:
                raise BadRequest("The proxy's question is not understood: that are more scopes than anybody has.")
        elif request.path.rstrip("/") == FORWARD_AUTH_PATH:
            raise BadRequest(f"The proxy's question is not understood: {FORWARD_AUTH_PATH} has one parameter, scope.")
    return asked


def _refused(status: int, error: GatepassError, request: Request, *challenge: tuple[bytes, bytes]) -> Response:
    """The error in the edge's form; those of `Unauthenticated` bring their challenge along."""
    response = error_response(error, request)
    headers = [*response.headers, *challenge]
    return Response(status, response.body, headers, operation=_OPERATION, code=error.code)
