"""
The protocol's own document indents its mutation with no-break spaces, which GraphQL does not know.

Readers copy it as it is, so our own operations are understood with any Unicode space. What is forwarded is not: the
upstream would refuse it.
"""

from __future__ import annotations

import pytest

from tests.kit.me_app import MeApp
from tests.kit.world import Person, World, add_account

SPACES = "\u00a0\u2003\u3000\u202f"


def _sign_in(password: str) -> str:
    return (
        f"mutation signIn {{\nsignIn(useManagementflow: true, credentials: {{\n{SPACES}userName:{SPACES}"
        f'"ana@example.org",\n\u00a0\u00a0 password: "{password}"\n}}\n)\n{{\n\u00a0 accessToken # an\u00a0hour\n}}\n}}'
    )


async def test_our_own_operations_are_understood_with_any_space(world: World, ana: Person) -> None:
    """The first time and, planned, every further time."""
    for _ in range(3):
        assert (await world.posts(_sign_in(ana.password))).data["signIn"]["accessToken"]
    assert (await world.posts(_sign_in("wrong"))).code == "INVALID_CREDENTIALS"


async def test_a_space_within_a_string_stays_what_it_is(world: World) -> None:
    """A password's spaces are unified by its own rule, and by no other; this address has none."""
    await add_account(world.settings, "eve@example.org", "no-break\u00a0space and plain")
    query = _sign_in("no-break\u00a0space and plain").replace("ana@", "eve@")
    assert (await world.posts(query.replace("eve@example.org", "eve\u00a0@example.org"))).code == "INVALID_CREDENTIALS"


@pytest.mark.parametrize(
    "query", ["{\u00a0me { subject } }", "{ me {\u3000subject } }", "mutation {\u00a0rename(name: 1) }"]
)
async def test_what_would_be_forwarded_is_not_understood(world: World, ana: Person, me_app: MeApp, query: str) -> None:
    """The bytes that are forwarded are those that were validated."""
    tokens = await ana.signs_in()
    assert (await world.posts(query, bearer=tokens.access)).code == "GRAPHQL_PARSE_FAILED"
    assert me_app.received == [] or query.encode() not in me_app.received[-1][1]


async def test_odd_spaces_do_not_hide_a_second_sign_in(world: World, ana: Person) -> None:
    """At most one in each request."""
    field = f'signIn(useManagementflow: true, credentials: {{userName: "{ana.email}", password: "x"}}) {{accessToken}}'
    answered = await world.posts(f"mutation {{\u00a0a: {field}\u00a0b: {field} }}")
    assert answered.code == "GRAPHQL_VALIDATION_FAILED"
