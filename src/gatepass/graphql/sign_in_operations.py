"""Runs the operations that are ours: planned where they are usual, else the full way."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from graphql import DocumentNode, Source
from graphql.language import get_location

from gatepass.domain.access_token import Caller, IssuedTokens
from gatepass.domain.errors import Refused, RequestTooLarge
from gatepass.domain.occasion import Occasion
from gatepass.graphql import engine, resolvers
from gatepass.graphql.context import Context, Service
from gatepass.graphql.document import Definition, Document
from gatepass.graphql.envelope import Envelope
from gatepass.graphql.limits import MAX_OWN_BODY_BYTES, DocumentLimits
from gatepass.graphql.literals import Lifted, lift
from gatepass.graphql.lru import Lru
from gatepass.graphql.measures import count_tokens
from gatepass.graphql.plans import Plan, UnplannedError, compile_plan
from gatepass.graphql.ports import Deeds
from gatepass.graphql.refusal import OperationRefused, Problem

MAX_PLANNED_CHARACTERS: Final = 16_384
MAX_TEMPLATE_CHARACTERS: Final = 2_048
WORDS: Final = {"signIn": "sign_in", "signInRefresh": "sign_in_refresh"}
_DEEDS: Final[Mapping[str, Callable[..., Awaitable[IssuedTokens]]]] = {
    "signIn": resolvers.sign_in,
    "signInRefresh": resolvers.sign_in_refresh,
}
_encode: Final = msgspec.json.Encoder().encode
_NO_VARIABLES: Final[Mapping[str, Any]] = {}


class PlannedCall:
    """A request whose arguments are read and only have to be acted on."""

    __slots__ = ("_credentials", "_envelope", "_flow", "_lifted", "_plan", "word")

    def __init__(self, plan: Plan, envelope: Envelope, lifted: Lifted) -> None:
        variables = envelope.variables or _NO_VARIABLES
        self._plan = plan
        self._envelope = envelope
        self._lifted = lifted
        self._flow: bool = plan.use_management_flow(lifted, variables)
        self._credentials: list[str] = [read(lifted, variables) for read in plan.credentials]
        self.word = WORDS[plan.field]

    async def run(self, deeds: Deeds, occasion: Occasion) -> bytes:
        """
        The body of the answer.

        Raises:
            OperationRefused: what the use case refused, at the field.
        """
        plan = self._plan
        try:
            issued = await _DEEDS[plan.field](deeds, occasion, *self._credentials, use_management_flow=self._flow)
        except Refused as refusal:
            raise OperationRefused(refusal, [self._problem(refusal)]) from None
        answer = {key: read(issued) for key, read in plan.projection}
        return _encode({"data": {plan.response_key: answer}})

    def _problem(self, refusal: Refused) -> Problem:
        place = get_location(Source(self._envelope.query), self._lifted.offset(*self._plan.place))
        return Problem(refusal.message, [{"line": place.line, "column": place.column}], [self._plan.response_key])


class SignInOperations:
    """
    The sign-in schema, executable.

    Plans are kept by template and operation name, up to 256 and 512 KiB; neither holds a literal. Valid documents that
    have no plan, no string and no comment are kept by text, up to 64 and 2 MiB. Whoever floods them with new ones makes
    the next sign-ins cost a millisecond more.
    """

    def __init__(self, service: Service, limits: DocumentLimits) -> None:
        self.schema = resolvers.executable_schema()
        self._service = service
        self._limits = limits
        self._max_characters = min(MAX_PLANNED_CHARACTERS, limits.max_document_characters)
        self._plans: Lru[tuple[str, str | None], Plan] = Lru(max_entries=256, max_bytes=2**19)
        self._valid: Lru[tuple[str, str | None], DocumentNode] = Lru(max_entries=64, max_bytes=2**21)

    def planned(self, envelope: Envelope) -> PlannedCall | None:
        """The call for this request, if a plan fits it."""
        lifted = self._lifted(envelope)
        if lifted is None:
            return None
        plan = self._plans.get((lifted.template, envelope.operation_name))
        if plan is None:
            return None
        try:
            return PlannedCall(plan, envelope, lifted)
        except UnplannedError:
            return None

    def run_planned(self, call: PlannedCall, occasion: Occasion) -> Awaitable[bytes]:
        """The body of the answer to a planned call."""
        return call.run(self._service.deeds, occasion)

    async def run(self, document: Document, envelope: Envelope, occasion: Occasion, caller: Caller | None) -> bytes:
        """
        The body of the answer, the full way; learns a plan where the document is a usual one.

        Raises:
            RequestTooLarge: more tokens than are validated here.
            OperationRefused: invalid, or refused by a use case.
        """
        operation = document.operation(envelope.operation_name)
        alone = document.alone(operation)
        if count_tokens(alone) > self._limits.max_sign_in_tokens:
            raise RequestTooLarge(
                f"A query for the sign-in service may have {self._limits.max_sign_in_tokens} tokens, not more."
            )
        valid = self._validated(document, envelope.operation_name, alone)
        self._learn(document, envelope)
        result = engine.run(self.schema, valid, operation, envelope, Context(self._service, occasion, caller))
        if inspect.isawaitable(result):
            result = await result
        return _encode({"data": engine.data_of(result, self.schema, operation, envelope.variables or {})})

    def _validated(self, document: Document, operation_name: str | None, alone: tuple[Definition, ...]) -> DocumentNode:
        """A valid document of no usual shape is remembered too, if nothing in its text can be a secret."""
        text = document.text
        if '"' in text or "#" in text or len(text) > MAX_TEMPLATE_CHARACTERS:
            return engine.validated(self.schema, alone)
        valid = self._valid.get((text, operation_name))
        if valid is None:
            valid = engine.validated(self.schema, alone)
            self._valid.put((text, operation_name), valid, 32 * len(text) + 1024)
        return valid

    def _learn(self, document: Document, envelope: Envelope) -> None:
        lifted = self._lifted(envelope)
        if lifted is None or len(lifted.template) > MAX_TEMPLATE_CHARACTERS:
            return
        try:
            plan = compile_plan(document, lifted)
        except UnplannedError:
            return
        size = 4 * len(lifted.template) + 4 * len(envelope.operation_name or "") + 1024
        self._plans.put((lifted.template, envelope.operation_name), plan, size)

    def _lifted(self, envelope: Envelope) -> Lifted | None:
        if "signIn" not in envelope.query or len(envelope.query) > self._max_characters:
            return None
        if len(envelope.body) > MAX_OWN_BODY_BYTES:
            return None
        return lift(envelope.query)
