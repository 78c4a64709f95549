"""The HTTP surface: one endpoint under two spellings. Source: GraphQL over HTTP."""

from collections.abc import AsyncGenerator

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from . import engine
from .caller import caller_of
from .engine import Operation, ResponseMap
from .envelope import read_envelope
from .errors import Refused
from .events import EventStream
from .generator import generate
from .health import HealthFeed
from .media import JSON, Accepted, accepted
from .notes import NoteBook
from .resolvers import Context, Register


def create_app() -> Starlette:
    """Return the API as an ASGI app with an empty note book; its `state.register` is what it serves."""
    app = Starlette(routes=[Route(path, _graphql, methods=["GET", "POST"]) for path in ("/graphql", "/graphql/")])
    companies = {company.company_number: company for company in generate()}
    app.state.register = Register(companies, NoteBook(), HealthFeed())
    return app


async def _graphql(request: Request) -> ASGIApp:
    takes = accepted(request.headers.get("accept"))
    context = Context(request.app.state.register, caller_of(request.headers))
    try:
        if not (takes.single or takes.events):
            raise Refused.because(406, "BAD_USER_INPUT", "Answers are application/json; ask with `Accept: */*`.")
        operation = await _operation(request)
        if operation.kind == "subscription":
            return _stream(operation, context, takes)
        return _answer(engine.execute(operation, context), takes)
    except Refused as refused:
        return _answer({"errors": refused.errors}, takes, refused.status)


async def _operation(request: Request) -> Operation:
    envelope = await read_envelope(request)
    operation = engine.prepare(envelope.query, envelope.operation_name, envelope.variables)
    if operation.kind == "mutation" and request.method != "POST":
        raise Refused.because(405, "BAD_USER_INPUT", "A mutation must be sent with POST.")
    return operation


def _stream(operation: Operation, context: Context, takes: Accepted) -> EventStream:
    if not takes.events:
        raise Refused.because(406, "BAD_USER_INPUT", "A subscription needs the header `Accept: text/event-stream`.")
    return EventStream(engine.subscribe(operation, context))


def _answer(body: ResponseMap, takes: Accepted, status: int | None = None) -> ASGIApp:
    """
    Write one response map as the caller takes it.

    Args:
        status: of a wrong HTTP request, which is answered in JSON at worst; None lets the media type decide:
            `application/json` is 200 whenever the request was well formed, `application/graphql-response+json` is 400
            when execution never began, an event stream reports everything as an event.
    """
    if status is None and takes.single is None:
        return EventStream(_once(body))
    media = takes.single or JSON
    if status is None:
        status = 200 if media == JSON or "data" in body else 400
    headers = {"vary": "Accept"} | ({"allow": "POST"} if status == 405 else {})  # noqa: PLR2004
    return Response(msgspec.json.encode(body), status, headers, media_type=f"{media}; charset=utf-8")


async def _once(body: ResponseMap) -> AsyncGenerator[ResponseMap, None]:
    yield body
