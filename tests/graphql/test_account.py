"""`gatepass { account sessions }` and what somebody does to their own account."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graphql.world import (
    ACCOUNT,
    BEARER,
    GRAPHQL_RESPONSE,
    OTHER_SESSION,
    PASSWORD,
    SESSION,
    SIGN_IN,
    USER,
    Api,
)

SESSIONS = "{ gatepass { sessions { id current createdAt lastUsedAt endsAt client address userAgent } } }"
NEW = "wooden-lantern-quiet-harbour"
CHANGE_PASSWORD = (
    "mutation ($c: String!, $n: String!) "
    "{ gatepass { changePassword(currentPassword: $c, newPassword: $n) { sessions } } }"
)


async def test_who_is_signed_in_sees_their_account(api: Api) -> None:
    """By the bearer, beside what is open to everybody."""
    answer = await api.post("{ gatepass { issuer account { id email scopes createdAt } } }", headers=BEARER)
    account = {"id": str(ACCOUNT.id), "email": USER, "scopes": ["read"], "createdAt": "2026-01-31T12:00:00Z"}
    assert answer.json == {"data": {"gatepass": {"issuer": "https://issuer.example", "account": account}}}
    assert answer.header("cache-control") == "no-store"


async def test_who_is_signed_in_sees_where(api: Api) -> None:
    """Each sign-in with its times, its client and where it came from; the current one is marked."""
    here, other = (await api.post(SESSIONS, headers=BEARER)).json["data"]["gatepass"]["sessions"]
    assert here == {
        "id": str(SESSION.id),
        "current": True,
        "createdAt": "2026-01-31T12:00:00Z",
        "lastUsedAt": "2026-01-31T12:50:00Z",
        "endsAt": "2026-05-01T12:00:00Z",
        "client": "gatepass",
        "address": "192.0.2.1",
        "userAgent": "Browser/1",
    }
    assert (other["current"], other["address"], other["userAgent"]) == (False, None, None)
    assert api.log == [("query", "OK", 200)]


async def test_sessions_come_page_by_page(api: Api) -> None:
    """`after` is the id of the last one that was seen."""
    query = "query ($n: Int!, $id: ID) { gatepass { sessions(first: $n, after: $id) { id } } }"
    await api.post(query, {"n": 7, "id": str(OTHER_SESSION)}, headers=BEARER)
    await api.post(SESSIONS, headers=BEARER)
    listed = [call for call in api.deeds.calls if call[0] == "list_sessions"]
    assert listed == [("list_sessions", "account-1", 7, OTHER_SESSION), ("list_sessions", "account-1", 50, None)]


@pytest.mark.parametrize("operation", [SESSIONS, "mutation { gatepass { signOutEverywhere { sessions } } }"])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer expired"}, {"authorization": "Bearer: x"}])
async def test_nobody_else_sees_or_does_anything(api: Api, operation: str, headers: dict[str, str]) -> None:
    """401 with a challenge. RFC 6750 §3."""
    answer = await api.post(operation, headers=headers)
    assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")
    assert (answer.header("www-authenticate") or "").startswith("Bearer ")
    assert not [call for call in api.deeds.calls if call[0] != "authenticate"]


async def test_what_is_open_to_everybody_does_not_look_at_the_bearer(api: Api) -> None:
    """Clients attach it to everything."""
    answer = await api.post("{ gatepass { issuer } }", headers={"authorization": "Bearer expired"})
    assert answer.json["data"]["gatepass"]["issuer"] == "https://issuer.example"
    assert api.deeds.calls == []


async def test_one_session_is_revoked_by_its_id(api: Api) -> None:
    """How many ended; for one that is not there, as for somebody else's, none."""
    revoke = "mutation ($id: ID!) { gatepass { revokeSession(id: $id) { sessions } } }"
    answer = await api.post(revoke, {"id": str(OTHER_SESSION)}, headers=BEARER)
    assert answer.json == {"data": {"gatepass": {"revokeSession": {"sessions": 1}}}}
    answer = await api.post(revoke, {"id": str(ACCOUNT.id)}, headers=BEARER)
    assert answer.json == {"data": {"gatepass": {"revokeSession": {"sessions": 0}}}}
    assert [word for word, *_ in api.log] == ["revoke_session"] * 2


async def test_everywhere_is_everywhere_or_everywhere_else(api: Api) -> None:
    """`exceptThis` keeps the sign-in that asks."""
    out = "mutation { gatepass { signOutEverywhere%s { sessions } } }"
    answer = await api.post(out % "", headers=BEARER)
    assert answer.json["data"]["gatepass"]["signOutEverywhere"]["sessions"] == 3
    answer = await api.post(out % "(exceptThis: true)", headers=BEARER)
    assert answer.json["data"]["gatepass"]["signOutEverywhere"]["sessions"] == 2
    assert api.deeds.calls[-1] == ("sign_out", str(SESSION.id), True, True)


async def test_a_password_is_changed_by_who_knows_it(api: Api) -> None:
    """The other sign-ins end unless the caller wants them to go on."""
    answer = await api.post(CHANGE_PASSWORD, {"c": PASSWORD, "n": NEW}, headers=BEARER)
    assert answer.json == {"data": {"gatepass": {"changePassword": {"sessions": 1}}}}
    assert api.deeds.calls[-1] == ("change_own_password", "account-1", PASSWORD, NEW, True)
    inline = f'mutation {{ gatepass {{ changePassword(currentPassword: "{PASSWORD}", newPassword: "{NEW}", '
    await api.post(inline + "endOtherSessions: false) { sessions } } }", headers=BEARER)
    assert api.deeds.calls[-1] == ("change_own_password", "account-1", PASSWORD, NEW, False)
    assert {word for word, *_ in api.log} == {"change_password"}


async def test_a_wrong_current_password_is_refused_as_a_wrong_sign_in_is(api: Api) -> None:
    """With the same code, and at its field."""
    answer = await api.post(CHANGE_PASSWORD, {"c": "wrong", "n": NEW}, headers={**BEARER, **GRAPHQL_RESPONSE})
    assert (answer.status, answer.code) == (294, "INVALID_CREDENTIALS")
    assert answer.json["errors"][0]["path"] == ["gatepass", "changePassword"]
    assert answer.json["data"] is None


@pytest.mark.parametrize(
    "more",
    [
        SIGN_IN.removeprefix("mutation signIn {").removesuffix("}"),
        "b: gatepass { changePassword(currentPassword: $c, newPassword: $n) { sessions } }",
        "signOut { sessions }",
        "add",
        "__schema { queryType { name } }",
    ],
)
async def test_a_change_of_a_password_stands_alone(api: Api, more: str) -> None:
    """At most one password is tried in a request, and nothing is done beside a change that may be refused."""
    text = CHANGE_PASSWORD.removesuffix("}") + f" {more} }}"
    answer = await api.post(text, {"c": PASSWORD, "n": NEW}, headers=BEARER)
    assert answer.code == "GRAPHQL_VALIDATION_FAILED"
    assert api.deeds.calls == []
    assert api.upstream.operations == []


async def test_a_change_by_get_is_refused(api: Api) -> None:
    """A link must not change anything, and an address must not hold a password."""
    answer = await api.get("query=mutation{gatepass{signOutEverywhere{sessions}}}", headers=BEARER)
    assert answer.status == 405
    assert (await api.get("query={a}&newPassword=canary", headers=BEARER)).status == 400
    assert api.deeds.calls == []


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (SIGN_IN, None),
        (CHANGE_PASSWORD, {"c": PASSWORD, "n": NEW}),
        ("mutation { signOut { sessions } }", None),
        (f'mutation {{ gatepass {{ revokeSession(id: "{OTHER_SESSION}") {{ sessions }} }} }}', None),
    ],
)
async def test_each_deed_knows_where_it_came_from(api: Api, text: str, variables: dict[str, Any] | None) -> None:
    """Address, program and request; also on the planned way, which the second request takes."""
    headers = {**BEARER, "user-agent": "Browser/1\x07", "x-request-id": "request-0001"}
    for _ in range(2):
        await api.post(text, variables, headers=headers)
    for occasion in api.deeds.occasions:
        assert (occasion.door, occasion.request_id, occasion.operator) == ("graphql", "request-0001", None)
        assert (occasion.origin.address, occasion.origin.user_agent) == ("192.0.2.1", "Browser/1")
    assert len(api.deeds.occasions) == 2
