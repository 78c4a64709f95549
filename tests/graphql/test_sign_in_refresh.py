"""signInRefresh: a refresh token for the next pair."""

from __future__ import annotations

from tests.graphql.world import BEARER, GRAPHQL_RESPONSE, REFRESH_TOKEN, SIGN_IN_REFRESH, Api

WITH_VARIABLES = (
    "mutation ($flow: Boolean!, $token: String!) { signInRefresh(useManagementflow: $flow, "
    "credentials: {refreshToken: $token}) { accessToken refreshToken } }"
)


async def test_a_refresh_token_is_traded_for_the_next_pair(api: Api) -> None:
    """Inline, as in the specification; the first time the full way, the second time by plan."""
    for _ in range(2):
        answer = await api.post(SIGN_IN_REFRESH)
        assert answer.json == {
            "data": {"signInRefresh": {"accessToken": "new.access.token", "refreshToken": "gpr_new"}}
        }
    assert api.deeds.calls == [("sign_in_refresh", REFRESH_TOKEN, True)] * 2
    assert api.log == [("sign_in_refresh", "OK", 200)] * 2


async def test_use_management_flow_false_is_refused_as_at_sign_in(api: Api) -> None:
    """Without a directory there is no other flow."""
    for _ in range(2):
        assert (await api.post(SIGN_IN_REFRESH.replace("true", "false"))).code == "FLOW_UNAVAILABLE"


async def test_the_token_may_come_as_a_variable(api: Api) -> None:
    """The other way that clients send it."""
    for _ in range(2):
        answer = await api.post(WITH_VARIABLES, {"flow": True, "token": REFRESH_TOKEN})
        assert answer.json["data"]["signInRefresh"]["refreshToken"] == "gpr_new"


async def test_a_refused_token_gets_its_code(api: Api) -> None:
    """Which of several reasons it was cannot be told apart."""
    for _ in range(2):
        answer = await api.post(WITH_VARIABLES, {"flow": True, "token": "gpr_spent"}, headers=GRAPHQL_RESPONSE)
        assert (answer.status, answer.code, answer.json["data"]) == (294, "INVALID_REFRESH_TOKEN", None)
        assert b"gpr_spent" not in answer.body


async def test_the_expired_bearer_that_made_it_necessary_does_not_stop_it(api: Api) -> None:
    """DESIGN §3: sign-in fields ignore Authorization."""
    answer = await api.post(SIGN_IN_REFRESH, headers={"authorization": "Bearer expired"})
    assert answer.json["data"]["signInRefresh"]["accessToken"] == "new.access.token"
    assert ("authenticate", "expired") not in api.deeds.calls


async def test_a_plan_serves_every_token_and_no_other_template(api: Api) -> None:
    """The plan's key holds no literal, so one entry serves all; another selection is another plan."""
    await api.post(SIGN_IN_REFRESH)
    assert (await api.post(SIGN_IN_REFRESH.replace(REFRESH_TOKEN, "gpr_other"))).code == "INVALID_REFRESH_TOKEN"
    only_one = SIGN_IN_REFRESH.replace("accessToken refreshToken", "refreshToken")
    assert (await api.post(only_one)).json == {"data": {"signInRefresh": {"refreshToken": "gpr_new"}}}


async def test_a_refresh_beside_a_sign_out_needs_the_bearer(api: Api) -> None:
    """SignOut keeps its own rule whatever stands beside it; nothing is done before the bearer is proven."""
    both = SIGN_IN_REFRESH[:-1] + " signOut { sessions } }"
    assert (await api.post(both)).status == 401
    assert api.deeds.calls == []
    assert (await api.post(both, headers=BEARER)).json["data"]["signOut"] == {"sessions": 1}
