"""Which of our own documents are validated once, and which are never remembered."""

from __future__ import annotations

from typing import Any

import pytest

from gatepass.graphql import engine
from tests.graphql.world import REFRESH_TOKEN, Api

UNUSUAL = (
    "mutation M($c: RefreshCredentials!, $flow: Boolean! = true, $more: Boolean! = false)"
    " { signInRefresh(useManagementflow: $flow, credentials: $c) { accessToken refreshToken @include(if: $more) } }"
)


@pytest.fixture
def validations(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was validated."""
    seen: list[Any] = []
    real = engine.validated

    def validated(*arguments: Any) -> Any:
        seen.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(engine, "validated", validated)
    return seen


async def test_a_document_of_variables_is_validated_once(api: Api, validations: list[Any]) -> None:
    """Whatever its shape: defaults and directives have no plan. Its variables are read each time."""
    assert (await api.post(UNUSUAL, {"c": {"refreshToken": "wrong"}})).code == "INVALID_REFRESH_TOKEN"
    right = {"c": {"refreshToken": REFRESH_TOKEN}}
    assert set((await api.post(UNUSUAL, right)).json["data"]["signInRefresh"]) == {"accessToken"}
    more = (await api.post(UNUSUAL, {**right, "more": True})).json["data"]["signInRefresh"]
    assert set(more) == {"accessToken", "refreshToken"}
    assert (await api.post(UNUSUAL, {**right, "flow": False})).code == "FLOW_UNAVAILABLE"
    assert len(validations) == 1


@pytest.mark.parametrize(
    "query", [UNUSUAL + " # a comment", UNUSUAL.replace("$c)", '{refreshToken: "' + REFRESH_TOKEN + '"})')]
)
async def test_what_may_hold_a_secret_is_not_remembered(api: Api, validations: list[Any], query: str) -> None:
    """A string or a comment could be anything."""
    query = query if "$c)" in query else query.replace("$c: RefreshCredentials!, ", "")
    for _ in range(2):
        assert (await api.post(query, {"c": {"refreshToken": REFRESH_TOKEN}} if "$c" in query else {})).json["data"]
    assert len(validations) == 2
