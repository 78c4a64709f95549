"""The GraphQL endpoint: GraphQL over HTTP, and who answers which operation."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from gatepass.domain.access_token import Caller
from gatepass.domain.errors import Forbidden, Refused, RequestTooLarge, Unauthenticated, UpstreamUnavailable
from gatepass.domain.occasion import Door
from gatepass.domain.value import value
from gatepass.graphql.answers import data_answer, error_answer
from gatepass.graphql.classification import Classification, Kind, classify, may_be_remembered
from gatepass.graphql.context import Service
from gatepass.graphql.document import Document, read_document
from gatepass.graphql.envelope import Envelope, from_json, from_query_string
from gatepass.graphql.forwarding import forwardable
from gatepass.graphql.introspection import Introspection
from gatepass.graphql.limits import MAX_OWN_BODY_BYTES, MAX_OWN_LINES, DocumentLimits
from gatepass.graphql.literals import with_plain_spaces
from gatepass.graphql.lru import Lru
from gatepass.graphql.ports import Deeds, SchemaSource
from gatepass.graphql.refusal import OperationRefused
from gatepass.graphql.sign_in_operations import PlannedCall, SignInOperations
from gatepass.http.bearer import bearer_token
from gatepass.http.body import BodyLimits, read_body
from gatepass.http.media_types import MAX_HEADER_BYTES, MediaType, check_content, response_type
from gatepass.http.messages import Answer, Forward, ForwardedOperation, Request, Response
from gatepass.http.occasion import occasion_of
from gatepass.http.query_string import refuse_secrets
from gatepass.http.refusals import BadRequest, MethodNotAllowed, NotAcceptable

_ALLOWED: Final = "GET, POST, OPTIONS"
_LONGEST_REMEMBERED_NAME: Final = 128
_NO_WEBSOCKETS: Final = (
    "WebSockets are not served here. Subscribe with a POST and the header 'Accept: text/event-stream'."
)
_INTROSPECTION_OFF: Final = "Introspection is switched off here."


class IntrospectionPolicy(StrEnum):
    """Who sees the whole schema."""

    BEARER = "bearer"
    """Who has a token; everybody else sees the sign-in schema."""
    PUBLIC = "public"
    """Everybody. An Authorization header is not looked at for it."""
    OFF = "off"
    """Nobody sees any schema."""


@dataclass(frozen=True, slots=True)
class Policies:
    """`public_operations`: operations without a token reach the upstream, which must then protect its own fields."""

    public_operations: bool = False
    introspection: IntrospectionPolicy = IntrospectionPolicy.BEARER


@value(frozen=True, slots=True)
class _Asked:
    """A request that is understood; `document` is None where its classification was remembered."""

    envelope: Envelope
    classification: Classification
    document: Document | None
    memorable: bool

    @property
    def word(self) -> str:
        return self.classification.word


class GraphqlEndpoint:
    """
    Answers the requests of one path, and hands protected operations to the gateway once their bearer is proven.

    Refusals become answers here; faults are raised, for the edge to report. Classifications are remembered by the
    SHA-256 of the document, up to 4,096; those of documents with a sign-in field never are.
    """

    def __init__(
        self,
        deeds: Deeds,
        *,
        issuer: str,
        access_ttl: timedelta,
        forward: Forward | None,
        schema_source: SchemaSource | None,
        policies: Policies | None = None,
        document_limits: DocumentLimits | None = None,
        body_limits: BodyLimits | None = None,
    ) -> None:
        self._deeds = deeds
        self._forward = forward
        self._policies = policies or Policies()
        self._document_limits = document_limits or DocumentLimits()
        self._body_limits = body_limits or BodyLimits()
        self._sign_in = SignInOperations(Service(deeds, issuer, access_ttl), self._document_limits)
        self._introspection = Introspection(self._sign_in.schema, schema_source, self._document_limits)
        self._remembered: Lru[tuple[bytes, str | None], Classification] = Lru(max_entries=4096, max_bytes=2**21)

    async def __call__(self, request: Request) -> Answer:
        """
        Answer one request.

        Raises:
            Fault: ours; nothing of it may be told.
            ClientGoneError: nobody is left to answer.
        """
        media, streams_only = MediaType.JSON, False
        try:
            media, streams_only = _negotiated((request.header_list(b"accept") or b"")[:MAX_HEADER_BYTES])
            if request.method == "OPTIONS":
                return Response(200, b"", [(b"allow", _ALLOWED.encode("ascii"))])
            asked = self._understood(request, await self._read(request))
        except (Refused, OperationRefused) as error:
            return error_answer(error, media, request, "")
        try:
            if isinstance(asked, _Asked) and asked.classification.kind is Kind.PROTECTED:
                return await self._forwarded(request, asked)
            if streams_only:
                raise NotAcceptable("This operation is answered as JSON: accept application/json.")
            return data_answer(await self._answered(request, asked), media, asked.word)
        except (Refused, OperationRefused) as error:
            return error_answer(error, media, request, asked.word)

    async def _read(self, request: Request) -> Envelope:
        if request.method == "POST":
            if request.query_string:
                refuse_secrets(request.query_string)
            check_content(request.header(b"content-type"), request.header(b"content-encoding"))
            return from_json(await read_body(request, self._body_limits))
        if request.method == "GET":
            if not request.query_string and (request.header(b"upgrade") or b"").lower() == b"websocket":
                raise BadRequest(_NO_WEBSOCKETS)
            return from_query_string(request.query_string)
        raise MethodNotAllowed(f"{request.method} is not understood here: use POST.", allow=_ALLOWED)

    def _understood(self, request: Request, envelope: Envelope) -> PlannedCall | _Asked:
        planned = self._sign_in.planned(envelope) if request.method == "POST" else None
        return planned or self._classified(envelope)

    def _classified(self, envelope: Envelope) -> _Asked:
        name = envelope.operation_name
        key = (hashlib.sha256(envelope.query.encode()).digest(), name)
        known = self._remembered.get(key)
        if known is not None:
            return _Asked(envelope, known, None, memorable=True)
        document, classification = self._read_and_classified(envelope.query, name)
        memorable = classification.kind is not Kind.LOCAL and may_be_remembered(document)
        if memorable and len(name or "") <= _LONGEST_REMEMBERED_NAME:
            self._remembered.put(key, classification, 512)
        return _Asked(envelope, classification, document, memorable)

    def _read_and_classified(self, query: str, name: str | None) -> tuple[Document, Classification]:
        """As GraphQL has it; our own operations may also be indented with the spaces of web pages."""
        try:
            document = read_document(query, self._document_limits)
        except OperationRefused:
            spaced = with_plain_spaces(query)
            if spaced is None:
                raise
            document = read_document(spaced, self._document_limits)
            classification = classify(document, name, self._document_limits)
            if classification.kind is not Kind.LOCAL:
                raise
            return document, classification
        return document, classify(document, name, self._document_limits)

    async def _answered(self, request: Request, asked: PlannedCall | _Asked) -> bytes:
        if isinstance(asked, PlannedCall):
            return await self._sign_in.run_planned(asked, occasion_of(request, Door.GRAPHQL))
        classification = asked.classification
        _check_method(request, classification)
        _check_own_size(asked.envelope)
        if asked.document is None or classification.kind is Kind.INTROSPECTION:
            merged = classification.asks_schema and await self._shows_all(request)
            return await self._introspection.answer(asked.envelope, merged=merged, memorable=asked.memorable)
        caller = await self._caller(request) if classification.needs_caller else None
        return await self._sign_in.run(asked.document, asked.envelope, occasion_of(request, Door.GRAPHQL), caller)

    async def _forwarded(self, request: Request, asked: _Asked) -> Answer:
        classification = asked.classification
        _check_method(request, classification)
        policies = self._policies
        token = bearer_token(request)
        open_to_all = policies.public_operations and not (
            classification.asks_schema and policies.introspection is IntrospectionPolicy.BEARER
        )
        if token is None and not open_to_all:
            raise Unauthenticated
        caller = await self._deeds.authenticate(token) if token is not None else None
        if classification.asks_schema and policies.introspection is IntrospectionPolicy.OFF:
            raise Forbidden(_INTROSPECTION_OFF)
        if self._forward is None:
            raise UpstreamUnavailable("There is no API behind this sign-in service: only its own fields are here.")
        return await self._forward(
            ForwardedOperation(request, _body_to_forward(asked), classification.verb, caller, token)
        )

    async def _shows_all(self, request: Request) -> bool:
        """Whether this caller sees the merged schema; a bearer that is there must be good."""
        policy = self._policies.introspection
        if policy is IntrospectionPolicy.OFF:
            raise Forbidden(_INTROSPECTION_OFF)
        if policy is IntrospectionPolicy.PUBLIC:
            return True
        token = bearer_token(request)
        return token is not None and bool(await self._deeds.authenticate(token))

    async def _caller(self, request: Request) -> Caller:
        token = bearer_token(request)
        if token is None:
            raise Unauthenticated
        caller = await self._deeds.authenticate(token)
        if caller.issuer is not None:
            raise Forbidden(f"This is for accounts of this server, and {caller.issuer} vouches for you: go there.")
        return caller


def _body_to_forward(asked: _Asked) -> bytes:
    """The very bytes that were validated, except where a sign-in would go along."""
    envelope = asked.envelope
    if asked.document is None or asked.memorable:
        return envelope.body
    text = forwardable(asked.document, asked.document.operation(envelope.operation_name))
    return envelope.body if text is None else envelope.body_with(text)


def _check_own_size(envelope: Envelope) -> None:
    query = envelope.query
    if len(envelope.body) > MAX_OWN_BODY_BYTES:
        raise RequestTooLarge(f"A request that is answered here may have {MAX_OWN_BODY_BYTES} bytes, not more.")
    if query.count("\n") + query.count("\r") - query.count("\r\n") >= MAX_OWN_LINES:
        raise RequestTooLarge(f"A query that is answered here may have {MAX_OWN_LINES} lines, not more.")


def _check_method(request: Request, classification: Classification) -> None:
    """A link must not change anything (GraphQL over HTTP §5.3)."""
    if request.method == "GET" and classification.verb == "mutation":
        raise MethodNotAllowed("A mutation must not be sent by GET: use POST.", allow="POST")


@lru_cache(maxsize=512)
def _negotiated(accept: bytes) -> tuple[MediaType, bool]:
    """The media type of our own answers, and whether the client would rather have no such answer at all."""
    media = response_type(accept)
    if media is not MediaType.EVENT_STREAM:
        return media, False
    try:
        return response_type(accept, events=False), False
    except NotAcceptable:
        return MediaType.JSON, True
