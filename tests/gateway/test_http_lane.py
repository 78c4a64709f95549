"""The lean lane's own promises; what it shares with aiohttp is in the tests over both."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.gateway import keep_alive, lane_pool
from gatepass.gateway.hangup import Hangup
from gatepass.gateway.http_lane import HttpLane
from gatepass.gateway.lane_line import LaneAnswer, Line
from gatepass.gateway.upstream import Outgoing, UpstreamAnswer, UpstreamFailed, UpstreamLimits
from tests.gateway import actors
from tests.gateway.actors import ANSWER, BODY, LAST_CHUNK, Asked, answering, chunk, chunked_head, http
from tests.gateway.conftest import Opens


class Wire(asyncio.Transport):
    """The far side of a line: a transport that only remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.cut = False

    def get_extra_info(self, name: str, default: object = None) -> None:
        return None

    def is_closing(self) -> bool:
        return self.cut

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def abort(self) -> None:
        self.cut = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def on_a_line() -> tuple[Line, LaneAnswer, list[Line]]:
    released: list[Line] = []
    line = Line(released.append, lambda _: None)
    line.connection_made(Wire())
    return line, line.ask(b"", 1.0), released


def outgoing(headers: Sequence[tuple[bytes, bytes]] = (), kind: str = "query", body: bytes = BODY) -> Outgoing:
    return Outgoing(body, list(headers), kind, hangup=Hangup.never())


async def whole(answer: UpstreamAnswer) -> bytes:
    pieces = []
    while piece := await answer.read():
        pieces.append(piece)
    await answer.close()
    return b"".join(pieces)


WELL_FORMED = [
    http(),
    http(b""),
    chunked_head() + chunk(ANSWER) + LAST_CHUNK,
    chunked_head() + b"".join(chunk(bytes([byte])) for byte in ANSWER) + b"0\r\nX-Trailer: 1\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + http(),
]


@given(st.sampled_from(WELL_FORMED), st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_an_answer_is_the_same_however_it_is_cut_into_segments(answer: bytes, sizes: list[int]) -> None:
    async def check() -> None:
        line, taken, released = on_a_line()
        rest = answer
        for size in sizes:
            line.data_received(rest[:size]) if rest[:size] else None
            rest = rest[size:]
        line.data_received(rest) if rest else None
        assert taken.status == 200
        assert b"X-Interim" not in dict(taken.headers)
        assert b"X-Trailer" not in dict(taken.headers)
        assert await whole(taken) == (b"" if answer == WELL_FORMED[1] else ANSWER)
        assert released == [line]

    asyncio.run(check())


@given(st.sampled_from(WELL_FORMED), st.data())
def test_no_nonsense_escapes_to_the_event_loop(answer: bytes, data: st.DataObject) -> None:
    """Whatever bytes come, whoever waits is told: the head, the whole, or a failure."""
    where = data.draw(st.integers(0, len(answer)))
    what = data.draw(st.binary(min_size=1, max_size=30))

    async def check() -> None:
        line, taken, _ = on_a_line()
        line.data_received(answer[:where] + what + answer[where:])
        line.connection_lost(None)
        with suppress(UpstreamFailed):
            assert await taken.head(None)
            await whole(taken)

    asyncio.run(check())


@pytest.mark.parametrize("later", [False, True], ids=["in one segment", "in the next"])
async def test_bytes_after_an_answer_end_the_line_and_not_the_answer(later: bool) -> None:
    line, answer, released = on_a_line()
    if later:
        line.data_received(http())
        line.data_received(http(b'"another"'))
    else:
        line.data_received(http() + http(b'"another"'))
    assert await whole(answer) == ANSWER
    assert not released


async def test_closing_an_answer_twice_does_not_touch_the_next_one() -> None:
    line, first, released = on_a_line()
    line.data_received(http())
    await first.close()
    second = line.ask(b"", 1.0)
    await first.close()
    line.data_received(http(b'"second"'))
    assert await whole(second) == b'"second"'
    assert released == [line, line]


async def test_bytes_that_nobody_asked_for_end_an_idle_line() -> None:
    line, answer, released = on_a_line()
    line.data_received(http())
    await answer.close()
    assert released
    line.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert not line.usable


@pytest.mark.parametrize("coding", [b"gzip", b"gzip, chunked", b"identity", b"xchunked"])
async def test_an_unknown_transfer_coding_is_refused(coding: bytes) -> None:
    """Its body would pass for the answer although it is packed. RFC 9112 §6.1."""
    line, answer, _ = on_a_line()
    line.data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + coding + b"\r\n\r\n" + chunk(ANSWER) + LAST_CHUNK)
    with pytest.raises(UpstreamFailed):
        await answer.head(0.1)


@pytest.mark.parametrize("value", [b"a\r\nX-Gatepass-Subject: root", b"a\nb", b"a\rb", b"a\0b"])
async def test_no_header_value_can_begin_another_header(opens: Opens, closing: AsyncExitStack, value: bytes) -> None:
    """Servers refuse such values; a gateway that writes bytes itself must not count on it."""
    upstream = await opens(answering(http()))
    lane = HttpLane(upstream.url)
    closing.push_async_callback(lane.close)
    with pytest.raises(UpstreamFailed):
        await lane.send(outgoing([(b"x-evil", value)]))
    assert upstream.lines == 0


async def test_the_path_and_query_of_the_address_are_kept(opens: Opens, closing: AsyncExitStack) -> None:
    asked: list[Asked] = []
    upstream = await opens(answering(http(), asked=asked))
    lane = HttpLane(f"http://localhost:{upstream.port}/api/caf%C3%A9/graphql?tenant=a%20b")
    closing.push_async_callback(lane.close)
    await (await lane.send(outgoing())).close()
    assert asked[0].line == b"POST /api/caf%C3%A9/graphql?tenant=a%20b HTTP/1.1"
    assert asked[0].header(b"host") == b"localhost:%d" % upstream.port


async def test_a_wait_that_is_given_up_leaves_its_place_to_the_next(opens: Opens, closing: AsyncExitStack) -> None:
    go_on = asyncio.Event()

    async def behaviour(line: actors.Line) -> None:
        while True:
            await line.request()
            await go_on.wait()
            await line.say(http())

    upstream = await opens(behaviour)
    lane = HttpLane(upstream.url, UpstreamLimits(max_connections=1))
    closing.push_async_callback(lane.close)
    first, impatient, last = (asyncio.create_task(lane.send(outgoing())) for _ in range(3))
    await asyncio.sleep(0.05)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    go_on.set()
    assert await whole(await first) == ANSWER
    assert await whole(await last) == ANSWER
    assert upstream.lines == 1


async def test_a_cut_line_gives_its_place_back(opens: Opens, closing: AsyncExitStack) -> None:
    """However answers end, the pool is as large afterwards as before."""

    async def badly(line: actors.Line) -> None:
        await line.request()
        await line.say(http()[:-3])

    upstream = await opens(badly)
    lane = HttpLane(upstream.url, UpstreamLimits(max_connections=2))
    closing.push_async_callback(lane.close)
    for _ in range(10):
        answer = await lane.send(outgoing(kind="mutation"))
        with pytest.raises(UpstreamFailed):
            await whole(answer)
        await answer.close()
    assert lane._lines._opened <= 2
    await asyncio.sleep(0.02)
    assert lane._lines._opened == 0


async def test_waiters_are_served_when_connecting_fails(closing: AsyncExitStack) -> None:
    """A failed connection is one failure, not one for everybody behind it, nor a place lost."""
    lane = HttpLane("http://127.0.0.1:9/graphql", UpstreamLimits(max_connections=1))
    closing.push_async_callback(lane.close)
    outcomes = await asyncio.gather(*(lane.send(outgoing()) for _ in range(5)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {UpstreamFailed}
    assert lane._lines._opened == 0


async def test_unused_lines_are_closed_before_the_upstream_closes_them(
    opens: Opens, closing: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_pool, "KEEP_ALIVE", timedelta(seconds=0.1))
    upstream = await opens(answering(http()))
    lane = HttpLane(upstream.url)
    closing.push_async_callback(lane.close)
    await whole(await lane.send(outgoing()))
    await asyncio.wait_for(upstream.left.wait(), 2)
    assert await whole(await lane.send(outgoing())) == ANSWER
    assert upstream.lines == 2
    assert timedelta(seconds=5) > keep_alive.KEEP_ALIVE


async def test_closing_tells_those_who_wait(opens: Opens) -> None:
    async def behaviour(line: actors.Line) -> None:
        await line.request()
        await line.reader.read()

    upstream = await opens(behaviour)
    lane = HttpLane(upstream.url, UpstreamLimits(max_connections=1))
    tasks = [asyncio.create_task(lane.send(outgoing())) for _ in range(3)]
    await asyncio.sleep(0.05)
    await lane.close()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, UpstreamFailed) for outcome in outcomes)
