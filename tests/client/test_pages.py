"""Going through a list that a server gives in pages."""

from __future__ import annotations

from typing import Any

import pytest

from gatepass.client import Client, ProtocolError
from gatepass.client.pages import Pages
from tests.client.conftest import Clock, stored, stored_async, with_password
from tests.kit.memory_store import MemoryStore
from tests.kit.plain_server import COMPANIES
from tests.kit.rough_network import Fault, RoughNetwork

QUERY = """query ($first: Int = 100, $after: String) { companies(first: $first, after: $after) {
    items { company_number } pageInfo { hasNextPage endCursor } } }"""


def test_all_items_of_all_pages_come_in_order(network: RoughNetwork, clock: Clock) -> None:
    """With the variables that were given, and a token that ends in between."""
    api = with_password(network, clock)
    numbers = []
    for item in api.paginate(QUERY, {"first": 60}):
        numbers.append(int(item["company_number"][2:]))
        clock.now += 100
    assert numbers == list(range(1, COMPANIES + 1))
    assert network.server.counts["queries"] == 5


def test_a_page_is_fetched_when_it_is_looked_at(network: RoughNetwork, clock: Clock) -> None:
    """Who wants ten items gets no more than one page."""
    pages = with_password(network, clock).paginate(QUERY)
    assert network.server.counts["queries"] == 0
    next(pages)
    assert network.server.counts["queries"] == 1


async def test_the_same_awaited(network: RoughNetwork, clock: Clock, store: MemoryStore) -> None:
    """And an expired token does not matter."""
    api = await stored_async(network, clock, store)
    network.faults = [Fault.NONE, Fault.EXPIRED]
    numbers = [item["company_number"] async for item in api.paginate(QUERY)]
    assert len(set(numbers)) == COMPANIES
    await api.close()


def page(kind: str, count: int, **info: Any) -> dict[str, Any]:
    items = [{"node": {"n": n}} if kind == "edges" else {"n": n} for n in range(count)]
    return {"things": {kind: items, **({"pageInfo": info} if info else {})}}


@pytest.mark.parametrize("kind", ["items", "nodes", "edges"])
def test_a_page_may_call_its_list_by_any_usual_name(kind: str) -> None:
    """Edges give their nodes (Relay's connections)."""
    pages = Pages()
    assert pages.take(page(kind, 2, hasNextPage=False, endCursor="x")) == [{"n": 0}, {"n": 1}]
    assert pages.is_over


def test_a_cursor_goes_on_and_its_end_is_the_end() -> None:
    """In the variable that was named, beside those that were given."""
    pages = Pages({"first": 2}, cursor="from")
    pages.take(page("items", 2, hasNextPage=True, endCursor="abc"))
    assert (pages.variables, pages.is_over) == ({"first": 2, "from": "abc"}, False)
    pages.take(page("items", 0, hasNextPage=False, endCursor=None))
    assert pages.is_over


def test_an_empty_page_in_the_middle_is_not_the_end() -> None:
    """Servers that filter after they have paged give such."""
    pages = Pages()
    pages.take(page("items", 0, hasNextPage=True, endCursor="abc"))
    assert not pages.is_over


def test_an_empty_page_is_the_end_where_nobody_says_whether_there_is_more() -> None:
    """Some servers give a cursor even then: the same again, for ever."""
    pages = Pages()
    pages.take(page("items", 2, endCursor="abc"))
    assert not pages.is_over
    assert pages.take(page("items", 0, endCursor="abc")) == []
    assert pages.is_over


def test_a_list_without_cursor_goes_by_offset_until_a_page_is_empty() -> None:
    """Or is the only one, where no offset was named."""
    pages = Pages(offset="skip")
    pages.take({"things": [1, 2]})
    assert (pages.variables, pages.is_over) == ({"skip": 2}, False)
    pages.take({"things": [3]})
    assert pages.variables == {"skip": 3}
    pages.take({"things": []})
    assert pages.is_over
    only = Pages()
    only.take({"things": [1, 2]})
    assert only.is_over


def test_a_path_leads_to_the_page() -> None:
    """Where there are several fields, or it lies deeper."""
    pages = Pages(path="viewer.things")
    assert pages.take({"me": 1, "viewer": {"things": {"nodes": [1], "pageInfo": {"hasNextPage": False}}}}) == [1]


@pytest.mark.parametrize(
    ("pages", "data", "words"),
    [
        (Pages(), {"a": [1], "b": [2]}, "path="),
        (Pages(path="x.y"), {"a": [1]}, "no page"),
        (Pages(path="a.b.c"), {"a": {"b": None}}, "no page"),
        (Pages(), {"a": {"total": 5}}, "no page"),
        (Pages(), {"a": {"items": [1], "pageInfo": {"hasNextPage": True}}}, "endCursor"),
    ],
)
def test_what_is_no_page_says_how_to_ask(pages: Pages, data: Any, words: str) -> None:
    """Not an endless loop, and not a part of the items."""
    with pytest.raises(ProtocolError, match=words):
        pages.take(data)


def test_a_query_that_does_not_pass_the_cursor_on_is_told(network: RoughNetwork, clock: Clock) -> None:
    """It would go on for ever."""
    query = QUERY.replace(", $after: String", "").replace(", after: $after", "")
    with pytest.raises(ProtocolError, match="same page again"):
        list(with_password(network, clock).paginate(query))


def test_variables_of_the_caller_stay_as_they_were(network: RoughNetwork, clock: Clock, store: MemoryStore) -> None:
    """They may be used again."""
    variables = {"first": 200}
    api: Client = stored(network, clock, store)
    assert len(list(api.paginate(QUERY, variables))) == COMPANIES
    assert variables == {"first": 200}
