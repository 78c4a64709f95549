"""The library against our own server, as the documentation shows it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gatepass.client import AsyncClient, Client, GraphQLErrors, SignInRefused, SignInRequired
from tests.kit.memory_store import MemoryStore
from tests.kit.processes import Process, running

pytestmark = pytest.mark.sqlite_only("the demo brings its store, a file")
READER = "reader@example.org"
PAGES = """query ($after: String) { companies(first: 100, after: $after) {
    items { company_number } pageInfo { hasNextPage endCursor } } }"""
WATCH = "subscription { healthChanged(interval_seconds: 0.05) { company_number } }"


class Demo:
    """Where it is, and the reader's password."""

    def __init__(self, process: Process) -> None:
        found = re.search(rf"(http://\S+/graphql/)[\s\S]+{READER} +(\S+)", process.out)
        assert found is not None
        self.address, self.password = found[1], found[2]

    def getpass(self) -> str:
        """As if it was typed in."""
        return self.password


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that runs."""
    with running("demo", "--port", "0", environ={"TMPDIR": str(tmp_path_factory.mktemp("demo"))}) as process:
        process.says("Ctrl-C stops it")
        yield Demo(process)


@pytest.fixture
def api(demo: Demo) -> Iterator[Client]:
    """Signed in, and kept."""
    with Client(demo.address) as api:
        api.sign_in(READER, demo.password)
        yield api


def keeps_asking(api: Client) -> None:
    """For five seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        api("{ viewer { scopes } }")
        time.sleep(0.05)


def test_one_line_signs_in_and_asks(demo: Demo) -> None:
    """The specification's protocol; the life of a token as the server says it."""
    getpass = demo.getpass
    with Client(demo.address, username=READER, password=getpass()) as api:
        data = api(
            "query ($n: String!) { companies(where: {company_number: {eq: $n}}) { items { company_name } } }",
            {"n": "GP000042"},
        )
        assert data == {"companies": {"items": [{"company_name": "Hopscotch Puddle Pumps"}]}}
        assert api.token().count(".") == 2
        assert api.session.held is not None
        assert (api.session.held.lifetime_seconds, api.session.held.says_lifetime) == (3600, True)


def test_the_same_awaited(demo: Demo) -> None:
    """And a subscription, over what the server has."""

    async def ask() -> None:
        async with AsyncClient(demo.address, username=READER, password=demo.password) as api:
            assert await api("{ viewer { scopes } }") == {"viewer": {"scopes": ["read"]}}
            async with contextlib.aclosing(api.subscribe(WATCH)) as events:
                found = [await anext(events) for _ in range(2)]
            assert all(each["healthChanged"]["company_number"].startswith("GP") for each in found)

    asyncio.run(ask())


def test_a_wrong_password_has_the_server_s_code(demo: Demo) -> None:
    """And the request's id, by which the operator finds it."""
    with Client(demo.address, username=READER, password="wrong") as api, pytest.raises(SignInRefused) as raised:
        api.token()
    assert raised.value.code == "INVALID_CREDENTIALS"
    assert raised.value.request_id


def test_what_one_may_not_do_costs_no_renewal(api: Client) -> None:
    """The server's code says so."""
    before = api.token()
    with pytest.raises(GraphQLErrors) as raised:
        api('mutation { addCompanyNote(company_number: "GP000042", text: "x") { company_name } }')
    assert raised.value.code == "FORBIDDEN"
    assert api.token() == before


def test_all_pages_and_many_at_once(api: Client) -> None:
    """Each company once."""
    numbers = [item["company_number"] for item in api.paginate(PAGES)]
    assert len(numbers) == len(set(numbers)) == 1000
    replies = api.execute_many([("query ($n: String!) { company(company_number: $n) { status } }", {"n": n})
                                for n in numbers[:20]])  # fmt: skip
    assert all(reply.data and not reply.errors for reply in replies)


def test_a_lost_answer_signs_nobody_out(demo: Demo, api: Client) -> None:
    """The same refresh token twice within the replay window: the same successor."""
    kept = api.session.source.store.load(api.profile or "")
    assert kept is not None
    for _ in range(2):
        # As it was before an answer that never came.
        before = MemoryStore({kept.profile: replace(kept, access_token=None)})
        with Client(demo.address, profile=kept.profile, store=before) as again:
            assert again("{ viewer { scopes } }") == {"viewer": {"scopes": ["read"]}}


def test_signing_out_ends_the_sign_in_at_the_server(demo: Demo, api: Client) -> None:
    """A token that was copied elsewhere is refused within a second; here it is forgotten."""
    token = api.token()
    assert api.sign_out() is True
    with pytest.raises(SignInRequired):
        api.token()
    with Client(demo.address, token=token) as copied, pytest.raises(SignInRequired):
        keeps_asking(copied)


def test_signing_out_everywhere_ends_the_others_too(demo: Demo, api: Client) -> None:
    """Of the same account."""
    with Client(demo.address, username=READER, password=demo.password) as other:
        refresh = other.token()
        assert api.sign_out(everywhere=True) is True
        deadline = time.monotonic() + 5
        while other.token() == refresh and time.monotonic() < deadline:
            other("{ viewer { scopes } }")
            time.sleep(0.05)
        assert other.token() != refresh
