"""When keys are fetched, and what happens where they cannot be."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator

import pytest

from gatepass.verify.key_source import FRESH_SECONDS, PAUSE_SECONDS, FetchedKeys
from tests.verify.maker import MAKER, Maker
from tests.verify.publisher import Publisher, publishing


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as publisher:
        publisher.publishes(MAKER.jwks)
        yield publisher


@pytest.fixture
def keys(publisher: Publisher, clock: Clock) -> FetchedKeys:
    return FetchedKeys(publisher.url, clock=clock)


KID = MAKER.key.id


def test_nothing_is_fetched_before_it_is_needed(keys: FetchedKeys, publisher: Publisher) -> None:
    """The API may start before Gatepass."""
    assert keys.known(KID) == (None, False)
    assert publisher.asked == 0


def test_keys_are_fetched_once_and_then_known(keys: FetchedKeys, publisher: Publisher) -> None:
    for _ in range(3):
        assert keys.find(KID) is not None
    assert keys.known(KID).final
    assert publisher.asked == 1


def test_they_are_fetched_again_when_they_are_stale(keys: FetchedKeys, publisher: Publisher, clock: Clock) -> None:
    keys.find(KID)
    clock.now += FRESH_SECONDS - 0.1
    keys.find(KID)
    assert publisher.asked == 1
    clock.now += 0.1
    keys.find(KID)
    assert publisher.asked == 2


def test_a_key_that_is_not_there_is_asked_for_at_most_every_half_minute(
    keys: FetchedKeys, publisher: Publisher, clock: Clock
) -> None:
    """Whoever sends tokens with made-up ids must not make us ask without end."""
    for number in range(50):
        assert keys.find(f"made-up-{number}") is None
    assert publisher.asked == 1
    clock.now += PAUSE_SECONDS
    keys.find("made-up")
    assert publisher.asked == 2


def test_a_rotated_key_is_found_at_once(keys: FetchedKeys, publisher: Publisher, clock: Clock) -> None:
    newer = Maker()
    keys.find(KID)
    publisher.publishes({"keys": [MAKER.jwk, newer.jwk]})
    clock.now += PAUSE_SECONDS
    assert keys.find(newer.key.id) is not None
    assert keys.find(KID) is not None


def test_a_key_that_is_gone_from_the_set_is_gone(keys: FetchedKeys, publisher: Publisher, clock: Clock) -> None:
    keys.find(KID)
    publisher.publishes(Maker().jwks)
    clock.now += FRESH_SECONDS
    assert keys.find(KID) is None


BROKEN: list[tuple[int, object]] = [
    (500, MAKER.jwks), (404, b""), (200, b""), (200, b"{"), (200, b"[" * 100_000), (200, {"keys": []}),
    (200, b"\xff\xfe"), (200, {"keys": [MAKER.jwk], "filler": "x" * 300_000}), (204, b""),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body"), BROKEN)
def test_what_cannot_be_read_leaves_the_last_good_set(
    keys: FetchedKeys,
    publisher: Publisher,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    *,
    status: int,
    body: object,
) -> None:
    keys.find(KID)
    publisher.publishes(body, status)
    clock.now += FRESH_SECONDS
    with caplog.at_level(logging.WARNING):
        assert keys.find(KID) is not None
    assert publisher.asked == 2
    assert "the last good keys stay" in caplog.text
    assert keys.find(KID) is not None
    assert publisher.asked == 2, "asked again at once"


def test_without_any_keys_there_is_no_key_and_the_log_says_so(
    keys: FetchedKeys, publisher: Publisher, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    publisher.publishes(b"", 503)
    assert keys.find(KID) is None
    assert publisher.url in caplog.text
    assert "no request can be verified" in caplog.text
    publisher.publishes(MAKER.jwks)
    clock.now += PAUSE_SECONDS
    assert keys.find(KID) is not None


def test_no_redirect_is_followed(keys: FetchedKeys, publisher: Publisher) -> None:
    """Who answers elsewhere is not who was configured."""
    with publishing() as elsewhere:
        elsewhere.publishes(MAKER.jwks)
        publisher.publishes(b"", 302, Location=elsewhere.url)
        assert keys.find(KID) is None
        assert elsewhere.asked == 0


def test_no_proxy_of_the_environment_is_asked(
    keys: FetchedKeys, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with publishing() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        assert FetchedKeys(publisher.url).find(KID) is not None
        assert proxy.asked == 0


def test_where_nobody_answers_nothing_is_known(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/jwks.json"
        assert FetchedKeys(url, clock=clock).find(KID) is None
    assert "cannot be read" in caplog.text


def test_of_many_threads_one_asks_and_all_get_the_key(keys: FetchedKeys, publisher: Publisher) -> None:
    publisher.hold.clear()
    found: list[bool] = []
    threads = [threading.Thread(target=lambda: found.append(keys.find(KID) is not None)) for _ in range(8)]
    for thread in threads:
        thread.start()
    publisher.hold.set()
    for thread in threads:
        thread.join(10)
    assert found == [True] * 8
    assert publisher.asked == 1


def test_who_has_an_older_key_does_not_wait_for_newer_ones(
    keys: FetchedKeys, publisher: Publisher, clock: Clock
) -> None:
    keys.find(KID)
    clock.now += FRESH_SECONDS
    publisher.hold.clear()
    first = threading.Thread(target=keys.find, args=(KID,))
    first.start()
    assert publisher.was_asked(2)
    assert keys.find(KID) is not None
    assert publisher.asked == 2
    publisher.hold.set()
    first.join(10)
