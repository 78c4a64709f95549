"""The second server is what it says: the specification's two mutations, and nothing that only Gatepass has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit import plain_server as module
from tests.kit.plain_server import EMAIL, PASSWORD, PlainServer, plain_server
from tests.kit.processes import post, sign_in

REFRESH = 'mutation {{signInRefresh(useManagementflow: true, credentials: {{refreshToken: "{}"}}) {{refreshToken}}}}'


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[PlainServer]:
    with plain_server(clock=clock) as running:
        yield running


def pair(server: PlainServer) -> dict[str, str]:
    answer: dict[str, str] = sign_in(server.address, EMAIL, PASSWORD)["data"]["signIn"]
    return answer


def refresh(server: PlainServer, token: str) -> Any:
    return post(server.address, REFRESH.format(token))


def test_it_shares_no_code_with_gatepass() -> None:
    """Otherwise it would prove nothing."""
    assert not re.search(r"^\s*(?:from|import) gatepass", Path(module.__file__).read_text(), re.MULTILINE)


def test_the_specification_s_mutation_signs_in(server: PlainServer) -> None:
    """With tokens that say nothing."""
    tokens = pair(server)
    assert set(tokens) == {"accessToken", "refreshToken"}
    assert "." not in tokens["accessToken"]
    assert post(server.address, "{me}", tokens["accessToken"]) == {"data": {"me": EMAIL}}


def test_it_has_none_of_our_additions(server: PlainServer) -> None:
    """A client that asks for `expiresIn` gets no tokens at all."""
    asked = 'mutation {signIn(useManagementflow: true, credentials: {userName: "", password: ""}) {expiresIn}}'
    assert "Cannot query field 'expiresIn'" in post(server.address, asked)["errors"][0]["message"]
    assert "errors" in post(server.address, "mutation {signOut {sessions}}")


def test_a_spent_refresh_token_ends_the_sign_in_at_once(server: PlainServer) -> None:
    """No replay window."""
    first = pair(server)["refreshToken"]
    second = refresh(server, first)["data"]["signInRefresh"]["refreshToken"]
    assert "errors" in refresh(server, first)
    assert "errors" in refresh(server, second)
    assert server.counts == {"signIn": 1, "signInRefresh": 1, "reused": 1}


def test_with_a_replay_window_a_spent_refresh_token_gives_its_successor_again(
    server: PlainServer, clock: Clock
) -> None:
    """Until the window is over, or the successor was used."""
    server.replay_seconds = 60.0
    first = pair(server)["refreshToken"]
    second = refresh(server, first)["data"]["signInRefresh"]["refreshToken"]
    assert refresh(server, first)["data"]["signInRefresh"]["refreshToken"] == second
    clock.now = 60.0
    assert "errors" in refresh(server, first)
    assert server.counts == {"signIn": 1, "signInRefresh": 1, "replayed": 1, "reused": 1}


@pytest.mark.parametrize("status", [200, 401, 403])
@pytest.mark.parametrize("has_error_codes", [True, False])
def test_an_expired_token_is_told_in_one_of_three_ways(
    server: PlainServer, clock: Clock, status: int, has_error_codes: bool
) -> None:
    """Nothing ran."""
    server.token_seconds, server.has_error_codes = 3.0, has_error_codes
    token = pair(server)["accessToken"]
    clock.now = 3.0
    server.expired = status  # type: ignore[assignment]
    got, answer = server.answers({"query": "{me}"}, f"Bearer {token}")
    assert got == status
    assert answer == post(server.address, "{me}", token)
    assert ("extensions" in answer["errors"][0]) is has_error_codes
    assert server.counts["queries"] == 0
