"""Introspection: the sign-in schema for everybody, the whole schema for who may see it. DESIGN §3."""

from __future__ import annotations

import asyncio
import threading

import pytest
from graphql import build_client_schema, build_schema, get_introspection_query, print_schema

from gatepass.graphql import engine, introspection
from gatepass.graphql.endpoint import IntrospectionPolicy, Policies
from gatepass.graphql.ports import MergedSchema
from gatepass.graphql.sign_in_schema import build_sign_in_schema, sdl
from tests.graphql.world import BEARER, Api

STANDARD = get_introspection_query()
TYPES = "{ __schema { types { name } } }"
COMPANY = '{ __type(name: "Company") { name } }'


def merged(version: int = 1, extra: str = "") -> MergedSchema:
    """Our schema with an upstream's."""
    upstream = f"extend type Query {{ company: Company }} type Company {{ name: String {extra} }}"
    return MergedSchema(build_schema(sdl() + upstream), version)


@pytest.fixture
def api() -> Api:
    """A server that knows its upstream's schema."""
    api = Api()
    api.schema_source.merged = merged()
    return api


async def test_anonymous_introspection_shows_the_sign_in_schema_only(api: Api) -> None:
    """What a client builds from it is exactly `schema.graphql`."""
    answer = await api.post(get_introspection_query(specified_by_url=True))
    shown = print_schema(build_client_schema(answer.json["data"]))
    assert shown == print_schema(build_sign_in_schema())
    assert "Company" not in shown
    assert api.log == [("introspection", "OK", 200)]


async def test_a_bearer_shows_the_merged_schema(api: Api) -> None:
    """The same request, with a token."""
    answer = await api.post(STANDARD, headers=BEARER)
    assert "type Company" in print_schema(build_client_schema(answer.json["data"]))
    assert (await api.post(COMPANY)).json == {"data": {"__type": None}}
    assert (await api.post(COMPANY, headers=BEARER)).json == {"data": {"__type": {"name": "Company"}}}


@pytest.mark.parametrize("authorization", ["Bearer expired", "Bearer: x", "nonsense"])
async def test_a_bad_bearer_is_told_and_not_ignored(api: Api, authorization: str) -> None:
    """Else an IDE with an expired token would show a schema that has lost its fields."""
    answer = await api.post(TYPES, headers={"authorization": authorization})
    assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")


async def test_an_answer_for_one_is_no_answer_for_another(api: Api) -> None:
    """Answers are remembered by what the caller may see."""
    for _ in range(2):
        assert "Company" not in str((await api.post(TYPES)).json)
        assert "Company" in str((await api.post(TYPES, headers=BEARER)).json)
        assert (await api.post(TYPES, headers={"authorization": "Bearer expired"})).status == 401


async def test_public_introspection_shows_all_to_all() -> None:
    """And looks at no header for it."""
    api = Api(Policies(introspection=IntrospectionPolicy.PUBLIC))
    api.schema_source.merged = merged()
    assert "Company" in str((await api.post(TYPES)).json)
    assert "Company" in str((await api.post(TYPES, headers={"authorization": "Bearer expired"})).json)


@pytest.mark.parametrize("document", [TYPES, COMPANY, '{ a: __type(name: "Query") { name } __typename }'])
async def test_introspection_that_is_off_is_off_for_all(document: str) -> None:
    """403, with or without a bearer, the sign-in schema too."""
    api = Api(Policies(introspection=IntrospectionPolicy.OFF))
    for headers in ({}, BEARER):
        answer = await api.post(document, headers=headers)
        assert (answer.status, answer.code) == (403, "FORBIDDEN")


@pytest.mark.parametrize("policy", list(IntrospectionPolicy))
@pytest.mark.parametrize("headers", [{}, BEARER, {"authorization": "Bearer expired"}])
async def test_typename_is_always_answered(policy: IntrospectionPolicy, headers: dict[str, str]) -> None:
    """Load balancers and clients ask `{ __typename }` to see whether somebody is there."""
    api = Api(Policies(introspection=policy))
    for _ in range(2):
        assert (await api.post("{ __typename }", headers=headers)).json == {"data": {"__typename": "Query"}}
    assert (await api.post("mutation { t: __typename }", headers=headers)).json == {"data": {"t": "Mutation"}}
    assert api.deeds.calls == []


async def test_while_the_upstream_was_never_reached_the_sign_in_schema_stands_alone(api: Api) -> None:
    """A start without the upstream works and heals. Nothing of that time is remembered for later."""
    api.schema_source.merged = None
    assert "Company" not in str((await api.post(TYPES, headers=BEARER)).json)
    api.schema_source.merged = merged()
    assert "Company" in str((await api.post(TYPES, headers=BEARER)).json)


async def test_a_new_version_of_the_schema_is_shown_at_once(api: Api) -> None:
    """Remembered answers hang on the version."""
    fields = '{ __type(name: "Company") { fields { name } } }'
    assert "address" not in str((await api.post(fields, headers=BEARER)).json)
    api.schema_source.merged = merged(2, "address: String")
    assert "address" in str((await api.post(fields, headers=BEARER)).json)


async def test_variables_and_operation_names_count_for_what_is_remembered(api: Api) -> None:
    """One text, different questions."""
    text = "query q($n: String!) { __type(name: $n) { name } } query r { __typename }"
    assert (await api.post(text, {"n": "Tokens"}, "q")).json["data"] == {"__type": {"name": "Tokens"}}
    assert (await api.post(text, {"n": "Query"}, "q")).json["data"] == {"__type": {"name": "Query"}}
    assert (await api.post(text, {"n": "Query"}, "r")).json["data"] == {"__typename": "Query"}
    assert (await api.post(text, {"n": 5}, "q")).code == "BAD_USER_INPUT"


ALIASED = (
    "{ __schema { a: types { ...F } types { ...F } } } fragment F on __Type { b: fields { ...G } fields { ...G } } "
    "fragment G on __Field { c: args { name } args { name } }"
)
DOUBLING = (
    "{ __schema { types { ...F0 } } }"
    + "".join(
        f"fragment F{n} on __Type {{ a: ofType {{ ...F{n + 1} }} b: ofType {{ ...F{n + 1} }} }}" for n in range(9)
    )
    + "fragment F9 on __Type { name kind }"
)


@pytest.mark.parametrize(
    "document",
    [
        "{ __schema { types { fields { type { fields { name } } } } } }",
        "{ __schema { types { ...F } } } fragment F on __Type { fields { type { interfaces { name } } } }",
        '{ __type(name: "A") { fields { type { fields { type { inputFields { name } } } } } } }',
        "{ __schema { types { a: fields { type { possibleTypes { name } } } } } }",
        ALIASED,
        "{ a: __schema { types { name } } b: __schema { types { name } } c: __schema { types { name } } }",
        "{ __schema {" + "".join(f"a{n}: types {{ name }} " for n in range(25)) + "} }",
        DOUBLING,
    ],
)
async def test_what_would_multiply_the_schema_is_refused(
    api: Api, document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nested lists, aliases on every level, fragments of fragments: 413 before any of it runs."""
    monkeypatch.setattr(engine, "validated", lambda *_: pytest.fail("validated"))
    answer = await api.post(document, headers=BEARER)
    assert (answer.status, answer.code) == (413, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"descriptions": False},
        {"specified_by_url": True, "directive_is_repeatable": True, "schema_description": True},
        {"input_value_deprecation": True},
    ],
)
async def test_the_questions_of_usual_tools_are_answered(api: Api, options: dict[str, bool]) -> None:
    """The standard introspection query in its variants, and a look at one type."""
    assert "data" in (await api.post(get_introspection_query(**options), headers=BEARER)).json
    look = '{ __type(name: "Mutation") { name fields { name args { name type { name } } type { fields { name } } } } }'
    assert "data" in (await api.post(look)).json


async def test_introspection_runs_off_the_event_loop_and_one_at_a_time(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten clients at once: one run in another thread, ten answers; the loop goes on meanwhile."""
    threads: list[int] = []
    original = engine.validated

    def remembering(*arguments: object) -> object:
        threads.append(threading.get_ident())
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "validated", remembering)
    answers = await asyncio.gather(*(api.post(STANDARD, headers=BEARER) for _ in range(10)))
    assert len({answer.body for answer in answers}) == 1
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_too_many_that_wait_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bounded queue: the rest hear at once when to come back."""
    monkeypatch.setattr(introspection, "MAX_WAITING", 3)
    texts = [f'{{ __type(name: "T{n}") {{ name }} }}' for n in range(6)]
    answers = await asyncio.gather(*(api.post(text) for text in texts))
    refused = [answer for answer in answers if "errors" in answer.json]
    assert [(answer.code, answer.header("retry-after")) for answer in refused] == [("OVERLOADED", "1")] * 3


async def test_errors_hold_no_suggestions(api: Api) -> None:
    """`Did you mean "company"?` would tell the schema to who may not see it."""
    for document in ("{ __schema { tipes { name } } }", '{ __type(nam: "A") { name } }', "{ gatepass { isuer } }"):
        answer = await api.post(document)
        assert answer.code == "GRAPHQL_VALIDATION_FAILED"
        assert "mean" not in answer.message
