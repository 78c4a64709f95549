"""The upstream's schema, read by introspection and merged with the sign-in schema."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final

import msgspec
from graphql import (
    GraphQLSchema,
    IntrospectionQuery,
    build_client_schema,
    build_schema,
    introspection_from_schema,
    validate_schema,
)

from gatepass.domain.secret import Secret
from gatepass.gateway.assertion import Assertions
from gatepass.gateway.downward import refuse_redirect
from gatepass.gateway.gradual_json import decode_gradually
from gatepass.gateway.hangup import Hangup
from gatepass.gateway.introspection_queries import INTROSPECTION_QUERIES
from gatepass.gateway.schema_merge import merged
from gatepass.gateway.upstream import Outgoing, Upstream, UpstreamAnswer, UpstreamFailed
from gatepass.http.asgi import Headers

OnNotice = Callable[[str], None]
"""Told in words what an operator should know."""

FIRST_RETRY: Final = timedelta(seconds=0.5)
LAST_RETRY: Final = timedelta(seconds=30)
_Outcome = tuple[GraphQLSchema, list[str]] | str
"""A schema and what collided in it, or what is wrong."""

_MAX_QUOTED: Final = 200
_HEADERS: Final[Headers] = [
    (b"content-type", b"application/json"),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"identity"),
    (b"user-agent", b"gatepass"),
]


@dataclass(frozen=True, slots=True)
class MergedSchema:
    """Both schemas as one; `version` grows with every change."""

    schema: GraphQLSchema
    version: int


@dataclass(frozen=True, slots=True)
class SchemaLimits:
    """
    What reading a schema may cost.

    timeout: for the upstream's whole answer.
    build_timeout: for what is made of it, in a thread beside the event loop. A schema that takes longer is not used.
    """

    timeout: timedelta = timedelta(seconds=30)
    build_timeout: timedelta = timedelta(seconds=30)
    max_bytes: int = 8 * 1024 * 1024


class UpstreamSchema:
    """
    Keeps the merged schema fresh: at start, on a timer, and on demand.

    What cannot be read, or is not a valid schema, leaves the last good one in place and is told to `on_notice`, once.
    """

    def __init__(
        self,
        upstream: Upstream,
        sign_in_sdl: str,
        *,
        on_notice: OnNotice,
        headers: Mapping[str, Secret[str]] | None = None,
        interval: timedelta = timedelta(minutes=5),
        limits: SchemaLimits | None = None,
        reserved: frozenset[str] = frozenset(),
        assertions: Assertions | None = None,
    ) -> None:
        """
        Take the upstream and our own schema.

        Args:
            sign_in_sdl: our own schema, in the schema definition language.
            on_notice: told what changed, collided or failed; never a secret, never foreign text at length.
            headers: sent with the introspection query, an API key perhaps.
            interval: between two readings; after a failed one it is tried again sooner, from half a second on.
            reserved: root fields that are ours in every kind of operation, whatever the upstream has there.
            assertions: signs the introspection query, for an upstream that believes nothing else.
        """
        self._upstream = upstream
        self._ours = _introspected(sign_in_sdl)
        self._notice = on_notice
        self._headers = [*_HEADERS, *_revealed(headers or {})]
        self._interval = interval
        self._limits = limits if limits is not None else SchemaLimits()
        self._reserved = reserved
        self._assertions = assertions
        self._reading = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None
        self._building: threading.Thread | None = None
        self._current: MergedSchema | None = None
        self._read_from = b""
        self._last_failure = ""

    def current(self) -> MergedSchema | None:
        """The schema as it was last read; None until then."""
        return self._current

    async def start(self) -> None:
        """Begin to read, at once and in the background: the upstream need not be there yet."""
        if self._timer is None:
            self._timer = asyncio.create_task(self._keep_fresh())

    async def close(self) -> None:
        """Stop reading. The last schema stays."""
        if self._timer is not None:
            self._timer.cancel()
            await asyncio.gather(self._timer, return_exceptions=True)
            self._timer = None

    async def refresh(self) -> None:
        """Read the upstream's schema now. Where it cannot be had, the last good one stays."""
        await self._refreshed()

    async def _refreshed(self) -> bool:
        async with self._reading:
            try:
                answer = await self._read()
                if answer != self._read_from:
                    await self._take(answer)
            except UpstreamFailed as failure:
                self._fail(failure.reason)
                return False
            self._last_failure = ""
            return True

    async def _keep_fresh(self) -> None:
        retry = FIRST_RETRY
        while True:
            if await self._refreshed():
                retry = FIRST_RETRY
                await asyncio.sleep(self._interval.total_seconds())
            else:
                await asyncio.sleep(min(retry, self._interval).total_seconds())
                retry = min(retry * 2, LAST_RETRY)

    async def _read(self) -> bytes:
        """The answer to the fullest introspection query that the upstream understands."""
        answer = b""
        try:
            async with asyncio.timeout(self._limits.timeout.total_seconds()):
                for query in INTROSPECTION_QUERIES:
                    answer = await self._ask(query)
                    if b'"__schema"' in answer:
                        return answer
        except TimeoutError:
            raise UpstreamFailed("the upstream's answer to introspection took too long") from None
        raise UpstreamFailed(f"the upstream does not answer introspection: {_quoted(answer)}")

    async def _ask(self, query: str) -> bytes:
        body = msgspec.json.encode({"operationName": "IntrospectionQuery", "query": query})
        signed = [self._assertions.header(None, body)] if self._assertions is not None else []
        hangup = Hangup.never()
        try:
            answer = await self._upstream.send(Outgoing(body, [*self._headers, *signed], "query", hangup=hangup))
            try:
                refuse_redirect(answer.status, answer.headers)
                return await self._whole(answer)
            finally:
                await answer.close()
        finally:
            hangup.stop()

    async def _whole(self, answer: UpstreamAnswer) -> bytes:
        pieces, size = [], 0
        while piece := await answer.read():
            size += len(piece)
            if size > self._limits.max_bytes:
                raise UpstreamFailed(f"the upstream's schema is larger than {self._limits.max_bytes} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    async def _take(self, answer: bytes) -> None:
        if self._building is not None and self._building.is_alive():
            raise UpstreamFailed("an earlier schema of the upstream's is still being built")
        schema, notices = await self._built(answer)
        self._read_from = answer
        self._current = MergedSchema(schema, self._current.version + 1 if self._current is not None else 1)
        for notice in notices:
            self._notice(notice)

    async def _built(self, answer: bytes) -> tuple[GraphQLSchema, list[str]]:
        """
        What `_build` makes of it, in a thread of its own: schemas cost up to seconds.

        The thread is a daemon, since a hostile schema could keep it busy for longer than we want to live.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_Outcome] = loop.create_future()

        def build() -> None:
            outcome = _build(answer, self._ours, self._reserved)
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(_settle, done, outcome)

        self._building = threading.Thread(target=build, name="gatepass-schema", daemon=True)
        with _no_garbage_collection():
            self._building.start()
            try:
                # Not wait_for: before Python 3.12 it forgets a cancellation that comes together with the result.
                async with asyncio.timeout(self._limits.build_timeout.total_seconds()):
                    outcome = await done
            except TimeoutError:
                raise UpstreamFailed("the upstream's schema takes too long to build") from None
        self._building = None
        if isinstance(outcome, str):
            raise UpstreamFailed(f"the upstream's schema cannot be used: {outcome}")
        return outcome

    def _fail(self, reason: str) -> None:
        if reason != self._last_failure:
            self._last_failure = reason
            kept = "the last one stays" if self._current is not None else "there is none yet"
            self._notice(f"the upstream's schema was not read, {kept}: {reason}")


@cache
def _introspected(sdl: str) -> dict[str, Any]:
    """Our own schema as it is merged: the same for every service of a process, and never changed."""
    ours: dict[str, Any] = introspection_from_schema(build_schema(sdl))["__schema"]  # type: ignore[assignment]
    return ours


def _build(answer: bytes, ours: dict[str, Any], reserved: frozenset[str]) -> _Outcome:
    """The merged schema and what collided, or what is wrong with the upstream's."""
    try:
        theirs = decode_gradually(answer)["data"]["__schema"]
        introspection, notices = merged(theirs, ours, reserved)
        query: IntrospectionQuery = {"__schema": introspection}  # type: ignore[typeddict-item]
        schema = build_client_schema(query)
        if errors := validate_schema(schema):
            return _quoted(errors[0].message.encode("utf-8", "replace"))
    except Exception as error:  # whatever an upstream sends, the last good schema stays
        return f"{type(error).__name__}: {_quoted(str(error).encode('utf-8', 'replace'))}"
    return schema, notices


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A full collection stops every thread, and a new schema provokes several: half a second each for 3 MB of it."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _settle(done: asyncio.Future[_Outcome], outcome: _Outcome) -> None:
    if not done.done():
        done.set_result(outcome)


def _revealed(headers: Mapping[str, Secret[str]]) -> Headers:
    return [(name.lower().encode("ascii"), value.reveal().encode("utf-8")) for name, value in headers.items()]


def _quoted(text: bytes) -> str:
    """Foreign text for a log line: short, and without anything that could break out of it."""
    return ascii(text[:_MAX_QUOTED].decode("utf-8", "replace"))
