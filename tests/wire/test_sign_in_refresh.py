"""signInRefresh over the whole service. docs/flows/sign-in-refresh.md, RFC 9700 §4.14.2."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from tests.kit.me_app import MeApp
from tests.kit.world import Person, Tokens, TurnableClock, World, add_account, running, settings_for
from tests.wire.conftest import ANA_PASSWORD


async def test_a_refresh_gives_another_hour_and_the_next_refresh_token(ana: Person) -> None:
    """The specification: "a new accessToken which you can then continue to use for another hour"."""
    first = await ana.signs_in()
    second = await ana.refreshes(first)
    assert second.access != first.access
    assert second.refresh != first.refresh
    assert (await ana.asks_who_they_are(second)).data["me"]["scopes"] == ["read", "write"]


async def test_a_lost_reply_gets_the_same_successor_again(ana: Person) -> None:
    """Within the replay window a retry, a double click or two tabs sign nobody out, and no branch exists."""
    first = await ana.signs_in()
    second = await ana.refreshes(first)
    again = await ana.refreshes(first)
    assert again.refresh == second.refresh
    await ana.refreshes(second)


async def test_a_spent_refresh_token_ends_its_session(ana: Person, caplog: pytest.LogCaptureFixture) -> None:
    """Presenting a spent refresh token outside the replay window revokes that sign-in, and only that one."""
    other = await ana.signs_in()
    first = await ana.signs_in()
    second = await ana.refreshes(first)
    third = await ana.refreshes(second)
    assert (await ana.tries_to_refresh(first)).code == "INVALID_REFRESH_TOKEN"
    assert (await ana.tries_to_refresh(third)).code == "INVALID_REFRESH_TOKEN"
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["refresh_token_reused"]
    await ana.world.has_taken_in_revocations()
    assert (await ana.asks_who_they_are(third)).status == 401
    assert (await ana.asks_who_they_are(other)).status == 200
    await ana.refreshes(other)


async def test_after_the_replay_window_the_predecessor_is_spent(ana: Person) -> None:
    """The window is 60 seconds."""
    first = await ana.signs_in()
    second = await ana.refreshes(first)
    ana.world.clock.forward(seconds=61)
    assert (await ana.tries_to_refresh(first)).code == "INVALID_REFRESH_TOKEN"
    assert (await ana.tries_to_refresh(second)).code == "INVALID_REFRESH_TOKEN"


async def test_a_hundred_racers_get_one_successor(ana: Person) -> None:
    """Exactly one rotation; the others get the same refresh token."""
    first = await ana.signs_in()
    answers = await asyncio.gather(*(ana.refreshes(first) for _ in range(100)))
    assert len({tokens.refresh for tokens in answers}) == 1
    await ana.refreshes(answers[0])


async def test_a_session_ends_when_it_is_idle_for_too_long(ana: Person) -> None:
    """14 days."""
    tokens = await ana.signs_in()
    ana.world.clock.forward(days=13, hours=23)
    tokens = await ana.refreshes(tokens)
    ana.world.clock.forward(days=14, seconds=1)
    assert (await ana.tries_to_refresh(tokens)).code == "INVALID_REFRESH_TOKEN"


async def test_the_absolute_end_never_moves(ana: Person) -> None:
    """90 days, however often it is refreshed."""
    tokens = await ana.signs_in()
    for _ in range(8):
        ana.world.clock.forward(days=11)
        tokens = await ana.refreshes(tokens)
    ana.world.clock.forward(days=2, seconds=1)
    assert (await ana.tries_to_refresh(tokens)).code == "INVALID_REFRESH_TOKEN"


@pytest.mark.parametrize(
    "damage",
    [
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.upper(),
        lambda token: token + "=",
        lambda token: token.removeprefix("gpr_"),
        lambda token: " " + token,
        lambda token: "",
        lambda token: "gpr_" + "A" * 76,
        lambda token: token[:40] + ("A" if token[40] != "A" else "B") + token[41:],
    ],
)
async def test_a_damaged_refresh_token_is_refused_and_ends_nothing(ana: Person, damage: object) -> None:
    """Who cannot make the MAC learns nothing and revokes nothing."""
    assert callable(damage)
    tokens = await ana.signs_in()
    refused = await ana.tries_to_refresh(Tokens(tokens.access, damage(tokens.refresh)))
    assert refused.code == "INVALID_REFRESH_TOKEN"
    await ana.refreshes(tokens)


async def test_an_access_token_is_no_refresh_token(ana: Person) -> None:
    """And the answer does not say what it was."""
    tokens = await ana.signs_in()
    assert (await ana.tries_to_refresh(Tokens("", tokens.access))).code == "INVALID_REFRESH_TOKEN"


async def test_a_refresh_token_of_another_store_is_refused(ana: Person, tmp_path: Path) -> None:
    """Even where the two stores share a secret key: the MAC key is the store's own."""
    elsewhere = settings_for(tmp_path / "other", secret_key=ana.world.settings.secret_key)
    elsewhere.data_dir.mkdir()
    await add_account(elsewhere, ana.email, ANA_PASSWORD)
    async with running(elsewhere, MeApp()) as other:
        foreign = await Person(other, ana.email, ANA_PASSWORD).signs_in()
    assert (await ana.tries_to_refresh(foreign)).code == "INVALID_REFRESH_TOKEN"


async def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    """Sessions, keys and access tokens live on; so does the replay window."""
    settings = settings_for(tmp_path)
    await add_account(settings, "ana@example.org", ANA_PASSWORD, "read")
    async with running(settings, MeApp()) as before:
        ana = Person(before, "ana@example.org", ANA_PASSWORD)
        first = await ana.signs_in()
        second = await ana.refreshes(first)
    async with running(settings, MeApp()) as after:
        ana = Person(after, "ana@example.org", ANA_PASSWORD)
        assert (await ana.refreshes(first)).refresh == second.refresh
        assert (await ana.asks_who_they_are(second)).status == 200
        await ana.refreshes(second)


async def test_refreshing_ignores_whatever_bearer_is_attached(ana: Person) -> None:
    """An expired access token is what clients have when they refresh."""
    tokens = await ana.signs_in()
    query = (
        f'mutation {{ signInRefresh(useManagementflow: true, credentials: {{refreshToken: "{tokens.refresh}"}}) '
        "{ accessToken refreshToken } }"
    )
    answered = await ana.world.posts(query, headers={"Authorization": "Bearer nonsense", "Authorisation": "x"})
    assert answered.tokens.refresh


async def test_the_other_flow_is_not_available_without_a_directory(ana: Person) -> None:
    """As at sign-in; and nothing is rotated."""
    tokens = await ana.signs_in()
    assert (await ana.tries_to_refresh(tokens, flow=False)).code == "FLOW_UNAVAILABLE"
    second = await ana.refreshes(tokens)
    assert (await ana.refreshes(tokens)).refresh == second.refresh


async def test_strict_rotation_is_a_setting(tmp_path: Path) -> None:
    """replay_window_seconds = 0: a spent token ends its session at once."""
    settings = settings_for(tmp_path, replay_window_seconds=0)
    await add_account(settings, "ana@example.org", ANA_PASSWORD)
    async with running(settings, MeApp(), clock=TurnableClock()) as world:
        ana = Person(world, "ana@example.org", ANA_PASSWORD)
        first = await ana.signs_in()
        second = await ana.refreshes(first)
        assert (await ana.tries_to_refresh(first)).code == "INVALID_REFRESH_TOKEN"
        assert (await ana.tries_to_refresh(second)).code == "INVALID_REFRESH_TOKEN"


async def test_two_refreshes_in_one_request_are_refused_and_rotate_nothing(world: World, ana: Person) -> None:
    """At most one sign-in or refresh per request, counted after aliases."""
    tokens = await ana.signs_in()
    field = f'signInRefresh(useManagementflow: true, credentials: {{refreshToken: "{tokens.refresh}"}}) {{accessToken}}'
    answered = await world.posts(f"mutation {{ a: {field} b: {field} }}")
    assert answered.code == "GRAPHQL_VALIDATION_FAILED"
    assert tokens.refresh not in str(answered.body)
    second = await ana.refreshes(tokens)
    assert (await ana.refreshes(tokens)).refresh == second.refresh
