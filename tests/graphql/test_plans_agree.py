"""A planned document and one that goes the full way have the same answer, whatever it says. DESIGN §9."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatepass.domain.access_token import IssuedTokens
from gatepass.domain.errors import InvalidCredentials
from gatepass.domain.occasion import Occasion
from gatepass.domain.secret import Secret
from gatepass.graphql.plans import Plan
from tests.graphql.world import Api, Reply, StubDeeds, tokens

pytestmark = pytest.mark.shows_secrets("its use cases answer with what they were asked")
QUOTES = '"""'


class EchoDeeds(StubDeeds):
    """Use cases whose answers say what they were asked, and which refuse what contains "no"."""

    async def sign_in(
        self,
        user_name: str,
        plain: Secret[str],
        occasion: Occasion,
        *,
        use_management_flow: bool,
        device_hint: str | None = None,
    ) -> IssuedTokens:
        return self._echo(user_name, plain.reveal(), use_management_flow, device_hint)

    async def sign_in_refresh(
        self, presented: Secret[str], occasion: Occasion, *, use_management_flow: bool
    ) -> IssuedTokens:
        return self._echo(presented.reveal(), use_management_flow)

    def _echo(self, *asked: str | bool | None) -> IssuedTokens:
        if any("no" in text for text in asked if isinstance(text, str)):
            raise InvalidCredentials
        return tokens(access=json.dumps(asked), refresh=json.dumps(asked[::-1]))


class EchoApi(Api):
    """A server over `EchoDeeds`; `planned` counts the requests that a plan took."""

    def __init__(self, *, plans: bool) -> None:
        super().__init__()
        echo = EchoDeeds().deeds
        operations = self.endpoint._sign_in
        object.__setattr__(operations._service, "deeds", echo)
        self.planned = 0
        self._plans = plans
        self._planned = operations.planned
        operations.planned = self._count  # type: ignore[method-assign]

    def _count(self, envelope: Any) -> Any:
        call = self._planned(envelope) if self._plans else None
        self.planned += call is not None
        return call


# -- documents --------------------------------------------------------------------------------------------------------

SPACE = st.sampled_from([" ", " ", "\n", ", ", "\t", "\r\n", ' # no "comment" {\n', "#\n", "\n#\u2028'\r\n", "\ufeff "])
CHARACTERS = st.one_of(
    st.sampled_from(list("ab no\"\\'/#{}$:\t\x00\x07\u00e9\u2028\U0001f600")),
    st.characters(exclude_categories=["Cs"]),
)
RAW = st.sampled_from(
    [
        *(
            r'"\n\t\b\f\r\/\\\""',
            r'"\u00e9"',
            r'"\uD83D\uDE00"',
            r'"\u{1F600}"',
            r'"\ud83d"',
            r'"\q"',
            r'"\u12"',
            '"\\"',
        ),
        *('"a\nb"', '"""x"""', '"""\n  a\n   b\n  """', '"""a \\""" b"""', '""', '""""""', '"', '"""', '"#"', "'a'"),
        *("12", "1.5", "true", "null", "NAME", "$t", "$u", '["a"]', '{a: "b"}', '"a" "b"'),
    ]
)


@st.composite
def strings(draw: st.DrawFn) -> str:
    """A string literal, most of them well-formed."""
    style = draw(st.integers(0, 9))
    if style == 0:
        return draw(RAW)
    text = draw(st.text(CHARACTERS, max_size=12))
    if style == 1:
        return QUOTES + text.replace(QUOTES, "").replace("\\", "").rstrip('"') + QUOTES
    if style == 2:
        return '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 0xD800 else "x" for c in text) + '"'
    return json.dumps(text, ensure_ascii=draw(st.booleans()))


@dataclass
class Shape:
    """Everything of a document but its literals and what stands between its words."""

    words: list[str]
    literals: int

    def text(self, literals: list[str], spaces: list[str]) -> str:
        """The document with these literals."""
        waiting = iter(literals)
        words = [next(waiting) if word == "%" else word for word in self.words]
        return "".join(word + spaces[index % len(spaces)] for index, word in enumerate(words))


def alias(draw: st.DrawFn) -> list[str]:
    """An alias, or none."""
    return draw(st.sampled_from([[], [], ["a", ":"], ["signIn", ":"], ["_b1", ":"]]))


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """A document with one sign-in field, as odd as they come; most are valid."""
    odd = draw(st.integers(0, 3)) == 0
    field, keys, kind = draw(
        st.sampled_from(
            [
                ("signIn", ["userName", "password"], "SignInCredentials"),
                ("signIn", ["userName", "password", "deviceHint"], "SignInCredentials"),
                ("signInRefresh", ["refreshToken"], "RefreshCredentials"),
            ]
        )
    )
    flow = draw(st.sampled_from(["true", "false", "$f", *(["%", "1", "null", "$t"] if odd else [])]))
    keys = draw(st.permutations(keys))
    if odd:
        keys = draw(st.lists(st.sampled_from(["userName", "password", "deviceHint", "refreshToken", "x"]), max_size=3))
    values = [draw(st.sampled_from(["%", "%", "$t", *(["$u", "$f"] if odd else [])])) for _ in keys]
    whole = draw(st.integers(0, 4)) == 0
    credentials = ["$c"] if whole else ["{", *(w for k, v in zip(keys, values, strict=True) for w in (k, ":", v)), "}"]
    arguments = [["useManagementflow", ":", flow], ["credentials", ":", *credentials]]
    arguments = draw(st.permutations(arguments))
    used = [word for argument in arguments for word in argument]
    types = {"$f": "Boolean!", "$t": "String!", "$u": "String", "$c": f"{kind}!"}
    if odd:
        types |= {"$t": draw(st.sampled_from(["String!", "String", "ID!", 'String! = "d"', "[String!]!", "Int!"]))}
    declared = [word for name in types if name in used for word in (name, ":", types[name])]
    header = ["mutation", *draw(st.sampled_from([[], ["S"]])), *(["(", *declared, ")"] if declared else [])]
    names = [
        "accessToken",
        "refreshToken",
        "deviceHint",
        "tokenType",
        "expiresIn",
        "issuedAt",
        "__typename",
        *(["no"] if odd else []),
    ]
    selected = draw(st.lists(st.sampled_from(names), min_size=0 if odd else 1, max_size=4))
    selection = [word for name in selected for word in (*alias(draw), name, *(["@skip(if: true)"] if odd else []))]
    words = [*header, "{", *alias(draw), field, "(", *used, ")", "{", *selection, "}", "}"]
    return Shape(words, words.count("%"))


JSON_VALUES = st.one_of(
    st.text(CHARACTERS, max_size=8),
    st.one_of(st.booleans(), st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    st.dictionaries(
        st.sampled_from(["userName", "password", "deviceHint", "refreshToken", "x"]), st.text(CHARACTERS, max_size=5)
    ),
    st.lists(st.text(CHARACTERS, max_size=3), max_size=2),
)
GOOD_VALUES = {
    "f": st.booleans(),
    "t": st.text(CHARACTERS, max_size=8),
    "u": st.text(CHARACTERS, max_size=8),
    "c": st.one_of(
        st.fixed_dictionaries(
            {"userName": st.text(max_size=5), "password": st.text(max_size=5)},
            optional={"deviceHint": st.text(max_size=5) | st.none()},
        ),
        st.fixed_dictionaries({"refreshToken": st.text(max_size=5)}),
    ),
}
VARIABLES = st.one_of(
    st.fixed_dictionaries(GOOD_VALUES),
    st.fixed_dictionaries(GOOD_VALUES),
    st.dictionaries(st.sampled_from(["f", "t", "u", "c", "z"]), JSON_VALUES),
    st.none(),
)


def told(reply: Reply) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """Everything of an answer."""
    return reply.status, reply.body, reply.headers


async def check(warm: str, document: str, variables: Any, name: str | None) -> int:
    """Both ways, the planned one warmed up with another document; how many requests a plan took."""
    with_plans, without = EchoApi(plans=True), EchoApi(plans=False)
    headers = {"x-request-id": "same-for-both"}
    await with_plans.post(warm, {"f": True, "t": "t", "u": "u"}, name, headers)
    answers = [await with_plans.post(document, variables, name, headers) for _ in range(2)]
    expected = await without.post(document, variables, name, headers)
    assert [told(answer) for answer in answers] == [told(expected)] * 2
    assert with_plans.faults == without.faults == []
    return with_plans.planned


@given(
    st.data(), shapes(), st.lists(SPACE, min_size=1, max_size=7), VARIABLES, st.sampled_from([None, None, "S", "x", ""])
)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_planned_and_full_way_agree(
    data: st.DataObject, shape: Shape, spaces: list[str], variables: Any, name: str | None
) -> None:
    """Weird strings, escapes, comments, aliases, variables beside literals, wrong types: one answer."""
    literals = data.draw(st.lists(strings(), min_size=shape.literals, max_size=shape.literals))
    warm = shape.text(['"warm"'] * shape.literals, spaces)
    await check(warm, shape.text(literals, spaces), variables, name)


async def test_the_usual_documents_are_planned() -> None:
    """What the property compares is not nothing: the second request of each usual form takes a plan."""
    inline = "mutation s {signIn(useManagementflow: true, credentials: {userName: %s, password: %s}) {accessToken}}"
    variables = "mutation ($u: String!, $p: String!) {signIn(useManagementflow: true, credentials: {userName: $u, password: $p}) {accessToken}}"  # noqa: E501
    assert await check(inline % ('"a"', '"b"'), inline % (r'"é\n\"#"', '""'), None, "s") == 2
    assert await check("# hi\n" + inline % ('"a"', '"b"'), "# ho\n" + inline % (r'"\u00e9"', '"no"'), {}, None) == 2
    assert await check(variables, variables, {"u": "a", "p": "no"}, None) == 2


async def test_a_plan_holds_no_literal() -> None:
    """Neither its key nor its value: the cache of plans is no cache of passwords."""
    api = EchoApi(plans=True)
    credentials = '{userName: "u-canary", password: "p-canary"}'
    await api.post(
        f"mutation {{signIn(useManagementflow: true, credentials: {credentials}) {{accessToken}} # c-canary\n}}"
    )
    entries = api.endpoint._sign_in._plans._entries
    assert len(entries) == 1
    assert "canary" not in repr(entries)
    plan = next(iter(entries.values()))[0]
    assert isinstance(plan, Plan)
    cells = [cell.cell_contents for read in plan.credentials for cell in read.__closure__ or ()]
    assert "canary" not in repr(cells)
