"""GraphQL over HTTP as a client reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gatepass.client.effects import Answer, Request
from gatepass.client.errors import GraphQLError, GraphQLErrors, ProtocolError, ServerUnreachable

# Not `application/graphql-response+json`: servers of this protocol answer `application/json`, some nothing else.
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
# Said by what stands in front of a server that is not there.
_NOBODY_THERE: Final = (502, 503, 504)
_SHOWN: Final = 200
# Made once: `json.dumps` with options makes one each time, which takes longer than to use it.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_REDIRECTS: Final = range(300, 400)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in GraphQL's form; `errors` as they came, empty where there are none."""

    data: dict[str, Any] | None
    errors: Sequence[GraphQLError] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None

    def data_or_raise(self) -> dict[str, Any]:
        """
        The data of an answer without errors.

        Raises:
            GraphQLErrors: it has errors; they and the data are in it.
            ProtocolError: it has neither.
        """
        if self.errors:
            raise GraphQLErrors(self.errors, self.data, request_id=self.request_id)
        if self.data is None:
            raise ProtocolError("The answer has neither data nor errors.", request_id=self.request_id)
        return self.data


def graphql_request(
    url: str, query: str, variables: Mapping[str, Any] | None = None, operation_name: str | None = None
) -> Request:
    """
    An operation as a POST of JSON.

    Raises:
        TypeError, ValueError: a variable cannot be JSON.

    Source: GraphQL over HTTP (draft) §5.
    """
    return Request(url, encoded(envelope(query, variables, operation_name)), _HEADERS)


def envelope(query: str, variables: Mapping[str, Any] | None, operation_name: str | None) -> dict[str, Any]:
    """The members of a request."""
    members: dict[str, Any] = {"query": query}
    if variables:
        members["variables"] = variables
    if operation_name is not None:
        members["operationName"] = operation_name
    return members


def encoded(value: Any) -> bytes:
    """Compact JSON; NaN and infinity are none."""
    return _ENCODER.encode(value).encode()


def reply_from(answer: Answer, url: str) -> Reply:
    """
    What an answer says, whatever its status.

    Raises:
        ServerUnreachable: something in front of the server says that it is not there.
        ProtocolError: it is not in GraphQL's form.
    """
    body = answer.body
    if isinstance(body, dict):
        data, errors, extensions = body.get("data"), body.get("errors"), body.get("extensions")
        if errors is None and isinstance(data, dict) and answer.status < 300:  # noqa: PLR2004
            return Reply(data, (), extensions if isinstance(extensions, dict) else {}, answer.request_id)
        if (
            isinstance(errors, list)
            and all(isinstance(error, dict) for error in errors)
            and (errors or data is not None)
        ):
            kept = data if isinstance(data, dict) else None
            return Reply(kept, errors, extensions if isinstance(extensions, dict) else {}, answer.request_id)
    raise _no_reply(answer, url)


def _no_reply(answer: Answer, url: str) -> ServerUnreachable | ProtocolError:
    status = answer.status
    if status in _NOBODY_THERE:
        return ServerUnreachable(f"{url} answered HTTP {status}: the server behind it is not there. Try again later.")
    if status in _REDIRECTS:
        target = answer.headers.get("location", "another address")
        message = f"{url} redirects to {target}. Nothing is sent there unasked: use that address if it is the API's."
    elif status == 404:  # noqa: PLR2004
        message = f"There is nothing at {url} (HTTP 404). Is it the address of the GraphQL endpoint?"
    else:
        shown = answer.content[:_SHOWN].decode("utf-8", "replace").strip()
        message = f"{url} answered HTTP {status} with something that is not GraphQL{_quoted(shown)}"
    return ProtocolError(message, status=status, request_id=answer.request_id)


def _quoted(text: str) -> str:
    """What came, on one line; nothing of it if it might hold a token."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return "." if not shown or "oken" in shown else f": {shown}"
