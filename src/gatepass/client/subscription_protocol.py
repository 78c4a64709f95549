"""
A subscription as its two protocols have it. No I/O.

Source: GraphQL over WebSocket Protocol (`graphql-transport-ws`, enisdenjo/graphql-ws PROTOCOL.md); GraphQL over
Server-Sent Events, distinct connections mode (enisdenjo/graphql-sse PROTOCOL.md); WHATWG HTML §9.2 for the events.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from gatepass.client.effects import Answer, Need
from gatepass.client.errors import ClientError, GraphQLErrors, ProtocolError, ServerUnreachable
from gatepass.client.refusal import refusal
from gatepass.client.reply import encoded, envelope, reply_from
from gatepass.client.tokens import Held

SUBPROTOCOL: Final = "graphql-transport-ws"
EVENT_STREAM: Final = "text/event-stream"
_ID: Final = "1"
_UNAUTHORIZED_CLOSES: Final = frozenset((4401, 4403))
_LONGEST_EVENT: Final = 16 * 1024 * 1024
_LINE_COST: Final = 64
"""What a line takes beside its characters: even one without any must count."""
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


class TokenRefused(Exception):
    """The server did not take the token, and nothing had come yet. `otherwise` is the error if there is no other."""

    def __init__(self, otherwise: ClientError) -> None:
        self.otherwise = otherwise
        super().__init__(str(otherwise))


class Attempts:
    """
    Which token a refused subscription tries next: one renewal, and one more where that token was only new to us.

    Args:
        begun: when the subscription was asked for, seconds of the monotonic clock.
    """

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self._renewals = 0

    def after(self, held: Held, refused: TokenRefused) -> Need:
        """
        What is needed after the server refused the token in hand.

        Raises:
            ClientError: the server's own words, where another token would not help.
        """
        is_from_elsewhere = self._renewals == 1 and held.is_from_before(self._begun)
        if self._renewals and not is_from_elsewhere:
            raise refused.otherwise from None
        self._renewals += 1
        return Need(refused=held.access)


@dataclass(slots=True)
class Taken:
    """What a message means: texts to send back, data for the subscriber, and whether that was all."""

    sends: list[str] = field(default_factory=list)
    data: dict[str, Any] | None = None
    is_over: bool = False


class Subscription:
    """One subscription, from the first message to `is_over`."""

    def __init__(self, url: str, query: str, variables: Mapping[str, Any] | None, operation_name: str | None) -> None:
        self.url = url
        self.payload = envelope(query, variables, operation_name)
        self.has_begun = False

    # -- over a WebSocket -----------------------------------------------------------------------------------------

    @property
    def websocket_url(self) -> str:
        """The endpoint's address with the scheme of WebSockets."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(scheme="wss" if parts.scheme == "https" else "ws"))

    def hello(self, access: str) -> str:
        """The first message. The token is in it, too: some servers look there, some at the handshake's header."""
        return _text({"type": "connection_init", "payload": {"Authorization": f"Bearer {access}"}})

    def goodbye(self) -> str:
        """What ends it from our side."""
        return _text({"id": _ID, "type": "complete"})

    def take_message(self, text: str) -> Taken:
        """
        Read a message of the server.

        Raises:
            GraphQLErrors: the subscription failed.
            TokenRefused: because of the token, and nothing had come yet.
            ProtocolError: no message of this protocol.
        """
        message = _object(text)
        match message.get("type"):
            case "connection_ack":
                return Taken([_text({"id": _ID, "type": "subscribe", "payload": self.payload})])
            case "ping":
                return Taken([_text({"type": "pong"})])
            case "next":
                return Taken(data=self._data(message.get("payload")))
            case "error":
                self._fail({"errors": message.get("payload")})
            case "complete":
                return Taken(is_over=True)
            case "pong":
                return Taken()
        raise ProtocolError(f"{self.url} sent a message that {SUBPROTOCOL} does not have.")

    def closed(self, code: int, reason: str) -> ClientError | TokenRefused:
        """The error for a socket that the server closed before it was over."""
        said = "".join(character for character in reason if character.isprintable())
        message = f"{self.url} ended the subscription: {said or f'close code {code}'}."
        if code in _UNAUTHORIZED_CLOSES and not self.has_begun:
            return TokenRefused(GraphQLErrors([{"message": message, "extensions": {"code": "UNAUTHENTICATED"}}]))
        return ServerUnreachable(f"{message} Subscribe again to go on; what came meanwhile is lost.")

    # -- over an event stream ----------------------------------------------------------------------------------------

    @property
    def body(self) -> bytes:
        """What is POSTed for an event stream."""
        return encoded(self.payload)

    def take_event(self, name: str, data: str) -> Taken:
        """Read an event; raises as `take_message` does."""
        if name == "next":
            return Taken(data=self._data(_object(data)))
        return Taken(is_over=name == "complete")

    def answered(self, answer: Answer) -> Exception:
        """The error for an answer that is no event stream."""
        try:
            reply = reply_from(answer, self.url)
        except ClientError as error:
            return TokenRefused(error) if refusal(answer) is not None else error
        if not reply.errors:
            return ProtocolError(f"{self.url} answered the subscription once, and not with events.")
        said = GraphQLErrors(reply.errors, reply.data, request_id=reply.request_id)
        return TokenRefused(said) if refusal(answer) is not None else said

    # -- both --------------------------------------------------------------------------------------------------------

    def broken(self) -> ServerUnreachable:
        """The error for a connection that was lost."""
        return ServerUnreachable(
            f"The subscription's connection to {self.url} broke. Subscribe again to go on; what came meanwhile is lost."
        )

    def _data(self, result: Any) -> dict[str, Any]:
        if not isinstance(result, dict) or not (isinstance(result.get("data"), dict) or result.get("errors")):
            raise ProtocolError(f"{self.url} sent an event without data.")
        if result.get("errors"):
            self._fail(result)
        self.has_begun = True
        data: dict[str, Any] = result["data"]
        return data

    def _fail(self, result: Mapping[str, Any]) -> None:
        answer = Answer(200, encoded(dict(result)))
        error = self.answered(answer)
        if isinstance(error, TokenRefused) and self.has_begun:
            raise error.otherwise
        raise error


class EventReader:
    """
    Pieces of an event stream, wherever they were cut, to events (WHATWG HTML §9.2.5 and §9.2.6).

    Lines end with CR, LF or both and with nothing else, least of all with U+2028, which JSON may hold as it is.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._after_return = False
        self._name = ""
        self._data: list[str] = []
        self._size = 0

    def take(self, piece: bytes) -> Iterator[tuple[str, str]]:
        """
        Name and data of each event that ends in this piece.

        Raises:
            ProtocolError: an event, or a line, without end.
        """
        rest = piece.removeprefix(b"\n") if self._after_return else piece
        if piece:
            self._after_return = piece.endswith(b"\r")
        first, *others = _LINE_END.split(rest)
        self._grow(first)
        for other in others:
            line = self._line.decode("utf-8", "replace")
            self._line.clear()
            event = self._take_line(line)
            if event is not None:
                yield event
            self._grow(other)

    def _grow(self, part: bytes) -> None:
        self._line += part
        if self._size + len(self._line) > _LONGEST_EVENT:
            raise ProtocolError("The server sent an event of more than 16 MiB.")

    def _take_line(self, line: str) -> tuple[str, str] | None:
        if not line:
            found = (self._name, "\n".join(self._data))
            has_event = bool(self._name or self._data)
            self._name, self._data, self._size = "", [], 0
            return found if has_event else None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
            self._size += len(value) + _LINE_COST
        return None


def _text(message: Mapping[str, Any]) -> str:
    return encoded(dict(message)).decode()


def _object(text: str) -> dict[str, Any]:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ProtocolError("The server sent a message that is not a JSON object.")
    return found
