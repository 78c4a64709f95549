"""When the keys of a trusted issuer are read, and what happens where they cannot be."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable

import pytest

from gatepass.crypto.issuer_keys import PAUSE_SECONDS, IssuerKeys
from gatepass.domain.trusted_issuer import TrustedIssuer
from tests.kit.issuer import AUDIENCE, ISSUER, Issuer, IssuerKey

TRUSTED = TrustedIssuer(ISSUER, AUDIENCE, "https://login.example.net/jwks")


class Place:
    """Where the keys lie, and the keys as a server has them; time passes when the test says so."""

    def __init__(self) -> None:
        self.idp = Issuer()
        self.asked, self.now, self.forgotten = 0, 1000.0, 0
        self.answers: Callable[[], bytes] = lambda: json.dumps(self.idp.jwks).encode()
        self.gate = asyncio.Event()
        self.gate.set()
        self.keys = IssuerKeys(TRUSTED, self.read, clock=lambda: self.now)
        self.keys.when_keys_go(self.forget)

    async def read(self) -> bytes:
        self.asked += 1
        await self.gate.wait()
        return self.answers()

    def forget(self) -> None:
        self.forgotten += 1

    def fails(self, error: Exception) -> None:
        def answers() -> bytes:
            raise error

        self.answers = answers


@pytest.fixture
async def place() -> Place:
    return Place()


async def test_before_the_first_reading_there_are_none(place: Place) -> None:
    assert place.keys.find("first", "RS256") is None
    assert not place.keys.knows("first")


async def test_a_reading_brings_the_keys_for_the_algorithms_that_are_allowed(place: Place) -> None:
    place.idp.keys = [IssuerKey("RS256"), IssuerKey("PS256", "second"), IssuerKey("ES256", "third")]
    await place.keys.refresh()
    assert [place.keys.knows(key.kid) for key in place.idp.keys] == [True, False, True]
    assert place.keys.find("first", "RS256") is not None
    assert place.keys.find("first", "ES256") is None


async def test_for_an_unknown_key_they_are_read_again_once_in_half_a_minute(place: Place) -> None:
    """However many tokens name one: the issuer is not to be flooded through us."""
    await place.keys.refresh()
    for _ in range(100):
        await place.keys.look_again()
    assert place.asked == 2
    place.now += PAUSE_SECONDS - 1
    await place.keys.look_again()
    assert place.asked == 2
    place.now += 1
    await place.keys.look_again()
    assert place.asked == 3


async def test_a_key_that_comes_into_use_just_after_the_timer_is_found(place: Place) -> None:
    """The pause counts from reading to reading for unknown keys, not from the timer's last one."""
    await place.keys.refresh()
    place.idp.keys.append(IssuerKey(kid="second"))
    await place.keys.look_again()
    assert place.keys.knows("second")


async def test_who_comes_while_they_are_read_waits_for_the_same_reading(place: Place) -> None:
    place.gate.clear()
    waiting = [asyncio.create_task(place.keys.look_again()) for _ in range(50)]
    waiting.append(asyncio.create_task(place.keys.refresh()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting[0].cancel()
    place.gate.set()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert place.asked == 1
    assert place.keys.knows("first")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"<html>", b"[]", b"{}", b'{"keys":[]}', b"[" * 100_000, b"\xff",
        b'{"keys":[{"kty":"oct","k":"AAAA","kid":"first","alg":"HS256"}]}',
    ],
    ids=lambda content: content[:20],
)  # fmt: skip
async def test_the_last_good_set_stays_where_the_new_one_is_useless(
    place: Place, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """And the log says whose, where, and why."""
    await place.keys.refresh()
    place.answers = lambda: content
    with caplog.at_level(logging.WARNING):
        await place.keys.refresh()
    assert place.keys.knows("first")
    assert place.forgotten == 0
    (record,) = caplog.records
    assert (vars(record)["issuer"], vars(record)["jwks"]) == (ISSUER, TRUSTED.jwks)
    assert "last good ones stay" in record.getMessage()


async def test_the_last_good_set_stays_where_nobody_answers_and_recovery_is_said(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.fails(ConnectionError("no route to host"))
    with caplog.at_level(logging.INFO):
        await place.keys.refresh()
        place.answers = lambda: json.dumps(place.idp.jwks).encode()
        await place.keys.refresh()
        await place.keys.refresh()
    assert place.keys.knows("first")
    first, second = caplog.records
    assert "none of its tokens passes until they can" in first.getMessage()
    assert "can be read again" in second.getMessage()


async def test_whoever_remembers_what_a_key_signed_hears_that_it_is_gone(place: Place) -> None:
    """And hears nothing of keys that are added."""
    await place.keys.refresh()
    place.idp.keys.append(IssuerKey(kid="second"))
    await place.keys.refresh()
    assert place.forgotten == 0
    place.idp.keys.pop(0)
    await place.keys.refresh()
    assert place.forgotten == 1
    assert not place.keys.knows("first")


async def test_a_key_that_was_exchanged_under_its_id_is_a_gone_key(place: Place) -> None:
    """Otherwise tokens of the former one would be remembered."""
    await place.keys.refresh()
    place.idp.keys = [IssuerKey(kid="first")]
    await place.keys.refresh()
    assert place.forgotten == 1


async def test_a_closed_one_reads_no_more(place: Place) -> None:
    place.gate.clear()
    reading = asyncio.create_task(place.keys.refresh())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await place.keys.close()
    await asyncio.gather(reading, return_exceptions=True)
    assert not place.keys.knows("first")
