"""What the demo API answers."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

import httpx2
import msgspec
import pytest
from graphql import build_client_schema, get_introspection_query

from company_register.generator import generate

NUMBERS = (
    "query ($where: CompanyFilter) { companies(where: $where, first: 100) { totalCount items { company_number } } }"
)
NOTE = 'mutation ($text: String!) { addCompanyNote(company_number: "GP000042", text: $text) { notes { text author } } }'
NOTES = '{ company(company_number: "GP000042") { notes { text } } }'


@dataclass(frozen=True)
class Caller:
    """Somebody who sends requests to the API, through a gateway that sets the identity headers."""

    api: httpx2.AsyncClient
    identity: dict[str, str] = field(default_factory=dict)

    def named(self, subject: str, scope: str) -> "Caller":
        """Return the same caller, signed in."""
        return Caller(self.api, {"X-Gatepass-Subject": subject, "X-Gatepass-Scope": scope})

    async def asks(self, query: str, **variables: Any) -> Any:
        """Return the data of an answer that has no errors."""
        answer = await self._answer(query, variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def code(self, query: str, **variables: Any) -> str:
        """Return the code of the answer's only error."""
        [error] = (await self._answer(query, variables))["errors"]
        return str(error["extensions"]["code"])

    async def _answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        answer = (await self.api.post("/graphql", json=body, headers=self.identity)).json()
        assert isinstance(answer, dict)
        return answer


@pytest.fixture
def anyone(api: httpx2.AsyncClient) -> Caller:
    """Return a caller whom no gateway has named."""
    return Caller(api)


async def test_the_query_of_the_tutorial_works_verbatim(anyone: Caller) -> None:
    query = '{companies(where:{company_number:{eq:"GP000042"}}){items{company_number company_name}}}'
    [found] = (await anyone.asks(query))["companies"]["items"]
    assert found == {"company_number": "GP000042", "company_name": generate()[41].company_name}


def test_the_register_is_the_same_on_every_machine() -> None:
    """A pinned digest: a changed seed, word list or way of drawing shows here, on whichever Python runs this."""
    assert generate() == generate()
    digest = hashlib.sha256(msgspec.json.encode(generate())).hexdigest()
    assert digest == "52cabae3bf4a89c031c442c6732d1ebb067cc129f6f603e698e0158606e57463"


def test_every_company_has_its_own_number_and_name() -> None:
    companies = generate()
    assert len({company.company_name for company in companies}) == len(companies) == 1000
    assert [company.company_number for company in companies] == [f"GP{number:06d}" for number in range(1, 1001)]


@pytest.mark.parametrize("order", ["", "orderBy: {field: COMPANY_NAME}", "orderBy: {field: TURNOVER, direction: DESC}"])
async def test_walking_the_pages_meets_every_company_once(anyone: Caller, order: str) -> None:
    page_of = f"companies(first: 90, after: $after, {order})"
    fields = "{ totalCount items { company_number } pageInfo { hasNextPage endCursor } }"
    met: list[str] = []
    after, more = None, True
    while more:
        page = (await anyone.asks(f"query ($after: String) {{ {page_of} {fields} }}", after=after))["companies"]
        met += [company["company_number"] for company in page["items"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert len(met) == len(set(met)) == page["totalCount"] == 1000


async def test_companies_come_in_the_order_asked_for(anyone: Caller) -> None:
    ask = "{ companies(orderBy: {field: TURNOVER, direction: DESC}) { items { accounts(first: 1) { turnover } } } }"
    items = (await anyone.asks(ask))["companies"]["items"]
    turnovers = [company["accounts"][0]["turnover"] for company in items]
    assert len(turnovers) == 20
    assert turnovers == sorted(turnovers, reverse=True)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, lambda _: True),
        (
            {"company_number": {"in": ["GP000001", "GP000003", "GP9"]}},
            lambda c: c.company_number in {"GP000001", "GP000003"},
        ),
        ({"company_name": {"contains": "clock"}}, lambda c: "clock" in c.company_name.lower()),
        ({"company_name": {"startsWith": "MOON"}}, lambda c: c.company_name.startswith("Moon")),
        ({"status": {"eq": "DORMANT"}}, lambda c: c.status == "DORMANT"),
        ({"health_rating": {"in": ["GOLD", "UNRATED"]}}, lambda c: c.health_rating in {"GOLD", "UNRATED"}),
        ({"turnover": {"gt": 10**6, "lte": 10**7}}, lambda c: 10**6 < c.turnover <= 10**7),
        ({"incorporated_on": {"gte": "1990-01-01", "lte": "1999-12-31"}}, lambda c: c.incorporated_on[:3] == "199"),
        ({"town": {"eq": "Port Pudding"}, "industry": None}, lambda c: c.town == "Port Pudding"),
        (
            {
                "or": [
                    {"town": {"eq": "Wobbleton"}},
                    {"and": [{"status": {"eq": "ACTIVE"}}, {"turnover": {"lt": 10**5}}]},
                ]
            },
            lambda c: c.town == "Wobbleton" or (c.status == "ACTIVE" and c.turnover < 10**5),
        ),
        ({"or": []}, lambda _: False),
    ],
)
async def test_a_filter_finds_what_it_says(anyone: Caller, where: dict[str, Any], expected: Any) -> None:
    found = (await anyone.asks(NUMBERS, where=where))["companies"]
    wanted = [company.company_number for company in generate() if expected(company)]
    assert found["totalCount"] == len(wanted)
    assert [company["company_number"] for company in found["items"]] == wanted[:100]


@pytest.mark.parametrize(
    "query",
    [
        "{ companies(first: 101) { totalCount } }",
        "{ companies(first: 0) { totalCount } }",
        '{ companies(after: "nonsense") { totalCount } }',
        '{ companies(where: {incorporated_on: {eq: "yesterday"}}) { totalCount } }',
        "{ companies(where: {or: [" + '{town: {eq: "x"}},' * 50 + "]}) { totalCount } }",
        '{ company(company_number: "GP000001") { accounts(first: 6) { year } } }',
        "{" + "".join(f"a{n}: companies(first: 100) {{ items {{ town }} }} " for n in range(51)) + "}",
    ],
)
async def test_what_is_out_of_bounds_is_refused(anyone: Caller, query: str) -> None:
    assert await anyone.code(query) == "BAD_USER_INPUT"


async def test_accounts_come_newest_first(anyone: Caller) -> None:
    ask = '{ company(company_number: "GP000042") { accounts(first: 2) { year turnover profit net_assets employees } } }'
    assert [year["year"] for year in (await anyone.asks(ask))["company"]["accounts"]] == [2025, 2024]


async def test_an_unknown_company_is_null(anyone: Caller) -> None:
    assert await anyone.asks('{ company(company_number: "GP999999") { town } }') == {"company": None}


async def test_the_viewer_is_whom_the_gateway_names(anyone: Caller) -> None:
    ana = anyone.named("ana", "write  read")
    assert await ana.asks("{ viewer { subject scopes } }") == {
        "viewer": {"subject": "ana", "scopes": ["read", "write"]}
    }
    assert await anyone.asks("{ viewer { subject scopes } }") == {"viewer": None}


async def test_a_caller_with_the_scope_write_adds_a_note(anyone: Caller) -> None:
    ana = anyone.named("ana", "read write")
    await ana.asks(NOTE, text="First.")
    company = (await ana.asks(NOTE, text="  Second. "))["addCompanyNote"]
    assert company["notes"] == [{"text": "Second.", "author": "ana"}, {"text": "First.", "author": "ana"}]


@pytest.mark.parametrize("scope", ["", "read", "writer", "WRITE"])
async def test_a_caller_without_the_scope_write_adds_nothing(anyone: Caller, scope: str) -> None:
    assert await anyone.named("ben", scope).code(NOTE, text="Mine.") == "FORBIDDEN"
    assert await anyone.asks(NOTES) == {"company": {"notes": []}}


async def test_a_scope_without_a_subject_is_nobodys(anyone: Caller) -> None:
    assert await anyone.named("", "write").code(NOTE, text="Mine.") == "FORBIDDEN"


@pytest.mark.parametrize("text", ["", "   ", "x" * 501])
async def test_a_note_has_1_to_500_characters(anyone: Caller, text: str) -> None:
    assert await anyone.named("ana", "write").code(NOTE, text=text) == "BAD_USER_INPUT"
    assert await anyone.asks(NOTES) == {"company": {"notes": []}}


async def test_an_unknown_company_gets_no_note(anyone: Caller) -> None:
    mutation = 'mutation { addCompanyNote(company_number: "GP0", text: "x") { town } }'
    assert await anyone.named("ana", "write").code(mutation) == "BAD_USER_INPUT"


async def test_a_full_file_loses_its_oldest_note(anyone: Caller) -> None:
    ana = anyone.named("ana", "write")
    for number in range(22):
        await ana.asks(NOTE, text=f"note {number}")
    notes = (await ana.asks(NOTES))["company"]["notes"]
    assert [note["text"] for note in notes] == [f"note {number}" for number in range(21, 1, -1)]


async def test_introspection_describes_everything(anyone: Caller) -> None:
    """Newcomers read the schema in the IDE, so nothing in it goes without a description."""
    introspection = await anyone.asks(get_introspection_query())
    build_client_schema(introspection)
    for described in introspection["__schema"]["types"]:
        if described["name"].startswith("__"):
            continue
        members = [described, *(described["fields"] or ()), *(described["inputFields"] or ())]
        members += [*(described["enumValues"] or ()), *(arg for f in described["fields"] or () for arg in f["args"])]
        assert [member["name"] for member in members if not member["description"]] == []


def test_names_are_obviously_made_up() -> None:
    """No company takes a legal form, so none can be mistaken for a registered one."""
    assert not [
        c for c in generate() if re.search(r"\b(Ltd|Limited|PLC|LLP|Inc|GmbH)\b", c.company_name, re.IGNORECASE)
    ]
