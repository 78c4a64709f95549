"""The upstream's schema, read by introspection and merged with ours."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypedDict, Unpack

import pytest
from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    assert_named_type,
    assert_non_null_type,
    assert_object_type,
    build_schema,
    get_introspection_query,
    graphql_sync,
    introspection_from_schema,
    print_type,
    validate_schema,
)

from gatepass.domain.secret import Secret
from gatepass.gateway.asgi_upstream import AsgiUpstream
from gatepass.gateway.schema import MergedSchema, SchemaLimits, UpstreamSchema
from gatepass.gateway.schema_merge import Introspection
from gatepass.gateway.upstream import Upstream
from gatepass.graphql.sign_in_schema import RESERVED
from gatepass.http.asgi import Message, Receive, Scope, Send
from tests.gateway.actors import Line, http
from tests.gateway.conftest import Adapts, Opens
from tests.kit.waiting import until

SIGN_IN_SDL = Path("src/gatepass/graphql/schema.graphql").read_text("utf-8")
UPSTREAM_SDL = """
"What can be asked." type RootQuery { companies(first: Int! = 20): [Company!]! node: RootQuery self: [[RootQuery!]] }
type RootMutation { rename(id: ID!): Renamed! }
type RootSubscription { renamed: Company! }
type Company { number: ID! health: Health @deprecated(reason: "gone") founded: DateTime children: [Company!] }
type Renamed { query: RootQuery! company: Company! }
enum Health { GOOD BAD }
scalar DateTime
directive @beta on FIELD
schema { query: RootQuery mutation: RootMutation subscription: RootSubscription }
"""


class Api:
    """An ASGI GraphQL API over a schema that can change; only introspection works."""

    def __init__(self, sdl: str = UPSTREAM_SDL) -> None:
        self.schema = build_schema(sdl)
        self.answer: bytes | None = None
        self.knows: Callable[[str], bool] = lambda query: True
        self.asked: list[tuple[dict[bytes, bytes], str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = json.loads((await receive())["body"])
        self.asked.append((dict(scope["headers"]), asked["query"]))
        if self.answer is not None:
            answer = self.answer
        elif not self.knows(asked["query"]):
            answer = b'{"errors":[{"message":"Cannot query field \\"isOneOf\\" on type \\"__Type\\"."}]}'
        else:
            answer = json.dumps(graphql_sync(self.schema, asked["query"]).formatted).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": answer})


class Settings(TypedDict, total=False):
    """What a reading of the schema can be told."""

    headers: Mapping[str, Secret[str]]
    interval: timedelta
    limits: SchemaLimits
    reserved: frozenset[str]


class Reads(Protocol):
    """Read the schema of an upstream; nothing runs any more when the test is over."""

    def __call__(self, upstream: Upstream | Api, **settings: Unpack[Settings]) -> UpstreamSchema: ...


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def reads(closing: AsyncExitStack, notices: list[str]) -> Reads:
    def read(upstream: Upstream | Api, **settings: Unpack[Settings]) -> UpstreamSchema:
        source = UpstreamSchema(
            AsgiUpstream(upstream) if isinstance(upstream, Api) else upstream,
            SIGN_IN_SDL,
            on_notice=notices.append,
            **settings,
        )
        closing.push_async_callback(source.close)
        return source

    return read


def current(source: UpstreamSchema) -> MergedSchema:
    """The schema that must be there by now."""
    found = source.current()
    assert found is not None
    return found


def fields_of(owner: GraphQLNamedType | None) -> dict[str, GraphQLField]:
    """The fields of what must be an object type."""
    found: dict[str, GraphQLField] = assert_object_type(owner).fields
    return found


def required(field: GraphQLField) -> GraphQLNamedType:
    """The type of a field that is never null."""
    return assert_named_type(assert_non_null_type(field.type).of_type)


def introspected(schema: GraphQLSchema) -> Introspection:
    data = graphql_sync(schema, get_introspection_query()).data
    assert data is not None
    found: Introspection = data["__schema"]
    return found


async def test_both_schemas_are_one(reads: Reads, notices: list[str]) -> None:
    """Whatever the upstream calls its root types, and wherever it refers back to them."""
    source = reads(Api())
    assert source.current() is None
    await source.refresh()
    schema = current(source).schema
    assert validate_schema(schema) == []
    assert set(fields_of(schema.query_type)) == {"companies", "node", "self", "gatepass"}
    assert set(fields_of(schema.mutation_type)) == {"rename", "signIn", "signInRefresh", "signOut", "gatepass"}
    assert set(fields_of(schema.subscription_type)) == {"renamed"}
    assert schema.query_type is schema.type_map["RootQuery"]
    assert required(fields_of(schema.type_map["Renamed"])["query"]) is schema.query_type
    assert "signIn(" in print_type(assert_object_type(schema.mutation_type))
    assert "everywhere: Boolean! = false" in print_type(assert_object_type(schema.mutation_type))
    assert "first: Int! = 20" in print_type(assert_object_type(schema.query_type))
    assert '@deprecated(reason: "gone")' in print_type(schema.type_map["Company"])
    assert "beta" in {directive.name for directive in schema.directives}
    assert introspected(schema)["mutationType"]["name"] == "RootMutation"
    assert notices == []


async def test_an_upstream_without_mutations_gets_ours(reads: Reads) -> None:
    source = reads(Api("type Query { a: Int } type Mutation2 { b: Int }"))
    await source.refresh()
    assert set(fields_of(current(source).schema.mutation_type)) == {"signIn", "signInRefresh", "signOut", "gatepass"}
    assert assert_object_type(current(source).schema.mutation_type).name == "Mutation"


async def test_colliding_root_fields_are_ours_and_named(reads: Reads, notices: list[str]) -> None:
    """They are classified as ours, so ours is what answers."""
    source = reads(
        Api("type Query { gatepass: Int a: Int signIn: Int } type Mutation { signIn(user: String): String b: Int }"),
        reserved=frozenset({"signIn", "signInRefresh"}),
    )
    await source.refresh()
    schema = current(source).schema
    assert set(fields_of(schema.query_type)) == {"gatepass", "a"}
    assert set(fields_of(schema.mutation_type)) == {"b", "signIn", "signInRefresh", "signOut", "gatepass"}
    assert set(fields_of(schema.mutation_type)["signIn"].args) == {"useManagementflow", "credentials"}
    assert sorted(notices) == [
        "the upstream's Mutation.signIn is hidden by Gatepass's own",
        "the upstream's Query.gatepass is hidden by Gatepass's own",
        "the upstream's Query.signIn is hidden by Gatepass's own",
    ]


async def test_colliding_type_names_stay_the_upstreams(reads: Reads, notices: list[str]) -> None:
    """Their documents are many; ours are written with inline values."""
    source = reads(
        Api("type Query { t: Tokens m: Mutation } type Tokens { mine: Int } type GatepassTokens { x: Int }"
            "type Mutation { y: Int } type Q2 { z: GatepassTokens } schema { query: Query }")
    )  # fmt: skip
    await source.refresh()
    schema = current(source).schema
    assert validate_schema(schema) == []
    assert set(fields_of(schema.type_map["Tokens"])) == {"mine"}
    assert set(fields_of(schema.type_map["GatepassTokens"])) == {"x"}
    assert assert_object_type(schema.mutation_type).name == "GatepassGatepassMutation"
    assert required(fields_of(schema.mutation_type)["gatepass"]).name == "GatepassMutation"
    assert required(fields_of(schema.mutation_type)["signIn"]).name == "GatepassGatepassTokens"
    assert (
        "the upstream's type Tokens has the name of one of Gatepass's own, which is shown as GatepassGatepassTokens"
        in notices
    )
    assert len(notices) == 2


async def test_the_field_about_the_account_is_ours_in_every_kind(reads: Reads, notices: list[str]) -> None:
    """A subscription of theirs with this name would be asked for with our passwords below it."""
    source = reads(
        Api(
            "type Query { a: GatepassSession } type GatepassSession { mine: Int } "
            "type Subscription { gatepass: Int b: Int }"
        ),
        reserved=RESERVED,
    )
    await source.refresh()
    schema = current(source).schema
    assert validate_schema(schema) == []
    assert set(fields_of(schema.subscription_type)) == {"b"}
    assert set(fields_of(schema.type_map["GatepassSession"])) == {"mine"}
    assert set(fields_of(schema.type_map["GatepassGatepassSession"])) >= {"current", "lastUsedAt"}
    assert "the upstream's Subscription.gatepass is hidden by Gatepass's own" in notices


async def test_a_scalar_of_one_name_is_one_scalar(reads: Reads, notices: list[str]) -> None:
    source = reads(Api())
    await source.refresh()
    schema = current(source).schema
    assert required(fields_of(schema.type_map["Tokens"])["issuedAt"]) is schema.type_map["DateTime"]
    assert "GatepassDateTime" not in schema.type_map
    assert notices == []


@pytest.mark.parametrize("kind", ["type DateTime { a: Int }", "enum DateTime { A }", "input DateTime { a: Int }"])
async def test_a_type_of_our_scalars_name_keeps_it(reads: Reads, kind: str) -> None:
    source = reads(Api(f"type Query {{ a(b: Int): Int }} {kind}"))
    await source.refresh()
    schema = current(source).schema
    assert validate_schema(schema) == []
    assert required(fields_of(schema.type_map["Tokens"])["issuedAt"]).name == "GatepassDateTime"


async def test_the_version_grows_only_with_a_change(reads: Reads) -> None:
    api = Api()
    source = reads(api)
    await source.refresh()
    first = current(source)
    await source.refresh()
    assert source.current() is first
    api.schema = build_schema("type Query { other: Int }")
    await source.refresh()
    assert current(source).version == first.version + 1
    assert "other" in fields_of(current(source).schema.query_type)


@pytest.mark.parametrize("unknown", ["isOneOf", "specifiedByURL", "isRepeatable"])
async def test_an_older_upstream_is_asked_less(reads: Reads, unknown: str) -> None:
    """An upstream refuses the whole query when it does not know a field of introspection."""
    api = Api()
    api.knows = lambda query: unknown not in query
    source = reads(api)
    await source.refresh()
    assert "companies" in fields_of(current(source).schema.query_type)


async def test_the_operators_headers_go_with_the_question(reads: Reads) -> None:
    api = Api()
    source = reads(api, headers={"X-API-Key": Secret("k")})
    await source.refresh()
    headers = api.asked[0][0]
    assert headers[b"x-api-key"] == b"k"
    assert headers[b"user-agent"] == b"gatepass"
    assert not [name for name in headers if name.startswith(b"x-gatepass")]


async def test_a_start_without_the_upstream_heals(
    opens: Opens, adapts: Adapts, reads: Reads, notices: list[str]
) -> None:
    """The gateway starts, says once what is missing, and has the schema soon after the upstream is there."""
    answer = json.dumps({"data": introspection_from_schema(build_schema(UPSTREAM_SDL))}).encode()

    async def behaviour(line: Line) -> None:
        while True:
            await line.request()
            await line.say(http(answer))

    upstream = await opens(behaviour)
    await upstream.close()
    source = reads(adapts(upstream.url), interval=timedelta(seconds=0.05))
    await source.start()
    await until(lambda: notices)
    await asyncio.sleep(0.2)
    assert source.current() is None
    assert len(notices) == 1
    await upstream.open(upstream.port)
    await until(lambda: source.current() is not None)
    assert "companies" in fields_of(current(source).schema.query_type)


async def test_the_schema_is_read_again_on_a_timer(reads: Reads) -> None:
    api = Api()
    source = reads(api, interval=timedelta(seconds=0.02))
    await source.start()
    await until(lambda: source.current() is not None)
    api.schema = build_schema("type Query { other: Int }")
    await until(lambda: "other" in fields_of(current(source).schema.query_type))


async def test_it_closes_at_once_where_a_reading_ends_that_very_moment(reads: Reads) -> None:
    """Neither the cancellation nor the outcome gets lost in the other: nobody waits for the next reading."""
    source = reads(Api())
    await source.start()
    while source._building is None:  # noqa: ASYNC110 - a thread, of which nothing tells
        await asyncio.sleep(0)  # each turn of the loop counts: it may be over within milliseconds
    source._building.join(10)
    async with asyncio.timeout(5):
        await source.close()


def _introspection(change: Callable[[Introspection], object]) -> bytes:
    data = {"__schema": json.loads(json.dumps(introspection_from_schema(build_schema(UPSTREAM_SDL))["__schema"]))}
    change(data["__schema"])
    return json.dumps({"data": data}).encode()


def _type(schema: Introspection, name: str) -> Introspection:
    found: Introspection = next(entry for entry in schema["types"] if entry["name"] == name)
    return found


def _nested(depth: int) -> bytes:
    return b'{"data":{"__schema":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}}"


def _ring(schema: Introspection) -> None:
    _type(schema, "Company")["interfaces"] = [{"kind": "OBJECT", "name": "Company", "ofType": None}]


def _endless(answer: bytes) -> bytes:
    """The type of a field, wrapped into more lists than any reader can follow."""
    reference = b'{"kind":"LIST","ofType":' * 5000 + b'{"kind":"SCALAR","name":"ID"}' + b"}" * 5000
    return answer.replace(b'"ENDLESS"', reference)


@pytest.mark.parametrize(
    "answer",
    {
        "nothing": b"",
        "no JSON": b'<html>"__schema"',
        "no schema": b'{"data":null}',
        "null": b'{"data":{"__schema":null}}',
        "a list": b'{"data":{"__schema":[]}}',
        "nested": _nested(100_000),
        "no types": _introspection(lambda s: s.update(types=[])),
        "types of types": _introspection(lambda s: s.update(types={"a": 1})),
        "an unknown reference": _introspection(lambda s: s["types"].remove(_type(s, "Health"))),
        "a root that is none": _introspection(lambda s: s.update(queryType={"name": "Health"})),
        "a root that is not there": _introspection(lambda s: s.update(queryType={"name": "Nowhere"})),
        "a huge part in depth": b'{"data":{"__schema":'
        + b'{"a":[' * 30
        + b'"'
        + b"x" * 40_000
        + b'"'
        + b"]}" * 30
        + b"}}",
        "markup in a name": _introspection(lambda s: _type(s, "Health").update(name="<script>")),
        "a reserved name": _introspection(lambda s: _type(s, "Company")["fields"][0].update(name="__number")),
        "an interface of itself": _introspection(_ring),
        "an endless reference": _endless(
            _introspection(lambda s: _type(s, "Company")["fields"][0].update(type="ENDLESS"))
        ),
        "no fields": _introspection(lambda s: _type(s, "Company").update(fields=[])),
        "fields of none": _introspection(lambda s: _type(s, "RootQuery").update(fields=None)),
        "a lone surrogate": b'{"data":{"__schema":"\\ud800"}}',
        "a number": b'{"data":{"__schema":1e999}}',
    }.items(),
    ids=lambda item: item[0].replace(" ", "-"),
)
async def test_what_is_no_schema_leaves_the_last_good_one(
    reads: Reads, notices: list[str], answer: tuple[str, bytes]
) -> None:
    api = Api()
    source = reads(api)
    await source.refresh()
    good = current(source)
    api.answer = answer[1]
    await source.refresh()
    assert source.current() is good
    await source.refresh()
    assert len(notices) == 1, "said once, not at each attempt"
    assert "the last one stays" in notices[0]
    assert len(notices[0]) < 600
    assert notices[0].isprintable()
    api.answer = None
    await source.refresh()
    assert source.current() is good


async def test_an_upstream_that_redirects_is_said_to(reads: Reads, notices: list[str]) -> None:
    """`/graphql` and `/graphql/` are two addresses to many servers; the log said only that nothing was answered."""

    async def moved(scope: Scope, receive: Receive, send: Send) -> None:
        place = [(b"Location", b"http://api/graphql/")]
        await send({"type": "http.response.start", "status": 308, "headers": place})
        await send({"type": "http.response.body", "body": b""})

    await reads(AsgiUpstream(moved)).refresh()
    (notice,) = notices
    assert "redirects to b'http://api/graphql/', and no redirect is followed" in notice


async def test_whoever_listened_for_the_end_of_the_question_is_stopped(reads: Reads) -> None:
    """Quart listens at once, and we where an upstream is slow: "Task was destroyed but it is pending" was logged."""
    api = Api()

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        first = await receive()
        more = asyncio.ensure_future(receive())
        await asyncio.sleep(0)

        async def again() -> Message:
            return first

        await api(scope, again, send)
        more.cancel()

    source, before = reads(AsgiUpstream(listening)), asyncio.all_tasks()
    await source.refresh()
    await asyncio.gather(*(task for task in asyncio.all_tasks() - before if task.cancelling()), return_exceptions=True)
    assert source.current() is not None
    assert asyncio.all_tasks() - before == set()


async def test_markup_in_descriptions_is_only_text(reads: Reads) -> None:
    text = "<script>alert(1)</script>\x1b[31m\u202e"
    api = Api()
    api.answer = _introspection(lambda s: _type(s, "Company").update(description=text))
    source = reads(api)
    await source.refresh()
    assert current(source).schema.type_map["Company"].description == text


async def test_a_schema_that_is_too_large_is_not_read(reads: Reads, notices: list[str]) -> None:
    api = Api()
    source = reads(api, limits=SchemaLimits(max_bytes=1000))
    await source.refresh()
    assert source.current() is None
    assert "larger than 1000 bytes" in notices[0]


async def test_an_upstream_that_is_slow_to_show_its_schema_is_given_up(
    opens: Opens, adapts: Adapts, reads: Reads, notices: list[str]
) -> None:
    async def behaviour(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        while True:
            await line.say(b" ")
            await asyncio.sleep(0.05)

    upstream = await opens(behaviour)
    source = reads(adapts(upstream.url), limits=SchemaLimits(timeout=timedelta(seconds=0.3)))
    await source.refresh()
    assert "took too long" in notices[0]


async def test_a_schema_that_takes_too_long_to_build_is_not_used(
    reads: Reads, notices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no second build is begun beside it."""
    import threading

    from gatepass.gateway import schema as room

    go_on = threading.Event()
    usual = room._build
    monkeypatch.setattr(room, "_build", lambda *arguments: go_on.wait(5) and usual(*arguments))
    source = reads(Api(), limits=SchemaLimits(build_timeout=timedelta(seconds=0.05)))
    await source.refresh()
    await source.refresh()
    assert source.current() is None
    assert [notice.rpartition(": ")[2] for notice in notices] == [
        "the upstream's schema takes too long to build",
        "an earlier schema of the upstream's is still being built",
    ]
    building = source._building
    assert building is not None
    go_on.set()
    await until(lambda: not building.is_alive())
    await source.refresh()
    assert source.current() is not None


async def test_a_large_schema_does_not_hold_the_event_loop(reads: Reads) -> None:
    """No input may cost more than 250 ms of the loop's time."""
    fields = " ".join(f"f{number}(a: Int = 1, b: [String!]): T{number}" for number in range(1500))
    types = " ".join(
        f"type T{n} {{ id: ID! next: T{(n + 1) % 1500} a(b: In{n}): Int }} input In{n} {{ a: Int }}"
        for n in range(1500)
    )
    api = Api()
    api.answer = json.dumps(
        {"data": introspection_from_schema(build_schema(f"type Query {{ {fields} }} {types}"))}
    ).encode()
    source = reads(api)
    steps: list[float] = []
    running = True

    async def watch() -> None:
        last = time.process_time()  # not the wall clock: other programs may hold the machine
        while running:
            await asyncio.sleep(0.001)
            steps.append(-last + (last := time.process_time()))

    watching = asyncio.create_task(watch())
    await source.refresh()
    running = False
    await watching
    assert len(current(source).schema.type_map) > 3000
    assert max(steps) < 0.25


def test_every_introspection_query_is_valid() -> None:
    """The plain one asks for nothing newer than October 2016."""
    from gatepass.gateway.introspection_queries import INTROSPECTION_QUERIES

    for query in INTROSPECTION_QUERIES[1:]:
        assert graphql_sync(build_schema(UPSTREAM_SDL), query).errors is None
    assert not re.search("isOneOf|specifiedBy|isRepeatable|schema { description", INTROSPECTION_QUERIES[-1])
