"""`gatepass throttle`: what operators see of failed sign-ins, and forgetting them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gatepass.settings import Settings
from tests.cli.conftest import GOOD_PASSWORD, Gatepass
from tests.kit.world import Person, running

STRANGER = "nobody@example.org"


def guess(*names: str) -> list[str]:
    """Wrong passwords against a server on the same data folder; the codes of the answers."""

    async def do() -> list[str]:
        async with running(Settings.load()) as world:
            return [(await Person(world, name, "wrong").tries_to_sign_in()).code for name in names]

    return asyncio.run(do())


def counters(gatepass: Gatepass) -> list[dict[str, Any]]:
    found = json.loads(gatepass("throttle", "show", "--json").out)
    assert isinstance(found, list)
    return found


def test_counters_are_shown_and_those_that_make_somebody_wait_come_first(
    gatepass: Gatepass, with_ana: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEPASS_THROTTLE_FIRST_DELAY_SECONDS", "600")
    monkeypatch.setenv("GATEPASS_THROTTLE_OVERALL_SECONDS", "86400")
    guess(*[with_ana] * 9, STRANGER)
    found = counters(gatepass)
    lanes = {each["who"]: each["failures"] for each in found if each["kind"] == "account"}
    assert lanes == {with_ana: 5, "(a name that has no account)": 1}
    assert found[0]["who"] == with_ana
    assert found[0]["next_attempt_at"] < found[0]["forgotten_at"]
    assert all(each["next_attempt_at"] is None for each in found[1:])
    assert {each["who"] for each in found if each["kind"] != "account"} == {"127.0.0.1", "(everybody)"}
    shown = gatepass("throttle", "show").out
    assert shown.splitlines()[0].split() == ["WHO", "COUNTER", "FAILURES", "NEXT", "ATTEMPT"]
    assert shown.splitlines()[1].split()[:3] == [with_ana, "account", "5"]
    assert STRANGER not in shown


@pytest.mark.parametrize("who", ["ana@example.org", " ANA@example.org"])
def test_the_failures_of_an_account_are_forgotten(gatepass: Gatepass, with_ana: str, who: str) -> None:
    assert guess(*[with_ana] * 6)[-1] == "RATE_LIMITED"
    assert gatepass("throttle", "clear", who).err == f"forgot 1 counter of {who}\n"
    assert guess(with_ana) == ["INVALID_CREDENTIALS"]


def test_the_failures_of_a_network_or_of_everybody_are_forgotten(
    gatepass: Gatepass, with_ana: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEPASS_THROTTLE_OVERALL_SECONDS", "86400")
    guess(with_ana)
    assert json.loads(gatepass("throttle", "clear", "127.0.0.1", "--json").out) == {"cleared": 1}
    assert {each["kind"] for each in counters(gatepass)} == {"account", "overall"}
    assert json.loads(gatepass("throttle", "clear", "--all", "--json").out) == {"cleared": 2}
    assert counters(gatepass) == []
    assert gatepass("throttle", "show").out == "WHO  COUNTER  FAILURES  NEXT ATTEMPT\n"


def test_a_network_that_is_known_stays_known(gatepass: Gatepass, with_ana: str) -> None:
    async def sign_in() -> None:
        async with running(Settings.load()) as world:
            await Person(world, with_ana, GOOD_PASSWORD).signs_in()

    asyncio.run(sign_in())
    gatepass("throttle", "clear", "--all")
    guess(with_ana)
    assert [each["kind"] for each in counters(gatepass) if each["who"] == with_ana] == ["account_network"]


@pytest.mark.parametrize(("arguments", "code"), [((), 2), (("ana@example.org", "--all"), 2), (("nonsense",), 1)])
def test_what_cannot_be_meant_is_refused(
    gatepass: Gatepass, with_ana: str, arguments: tuple[str, ...], code: int
) -> None:
    assert gatepass("throttle", "clear", *arguments).code == code


def test_without_a_store_init_is_advised(gatepass: Gatepass, folder: Path) -> None:
    for command in (("show",), ("clear", "--all")):
        result = gatepass("throttle", *command)
        assert result.code == 1
        assert "gatepass init" in result.err
