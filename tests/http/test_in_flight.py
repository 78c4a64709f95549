"""One client, and all bodies together, have a bound."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gatepass.http.asgi import Message
from gatepass.http.body import Arriving, BodyLimits, read_body
from gatepass.http.in_flight import InFlight
from gatepass.http.messages import Request
from gatepass.http.refusals import BodiesTooLarge, TooManyRequests


def request(client: str, path: str = "/graphql", chunks: list[bytes] | None = None) -> Request:
    waiting = list(chunks or [])

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": waiting.pop(0), "more_body": True}

    scope = {"type": "http", "method": "POST", "path": path, "headers": []}
    return Request(scope, receive, request_id="1", client=client)


def test_a_client_has_so_many_requests_and_others_have_theirs() -> None:
    in_flight = InFlight(2)
    first, second, third = (request("2001:db8::1"), request("2001:db8::2"), request("2001:db8::3"))
    in_flight.enter(first)
    in_flight.enter(second)
    with pytest.raises(TooManyRequests):
        in_flight.enter(third)
    in_flight.enter(request("192.0.2.1"))
    in_flight.leave(third)
    in_flight.leave(first)
    in_flight.enter(third)


def test_nothing_is_left_when_all_are_answered() -> None:
    in_flight = InFlight(2)
    asked = [request(f"192.0.2.{number}") for number in range(100)]
    for each in asked:
        in_flight.enter(each)
    for each in asked:
        in_flight.leave(each)
        in_flight.leave(each)
    assert in_flight._counts == {}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_health_is_always_answered(path: str) -> None:
    in_flight = InFlight(1)
    in_flight.enter(request("192.0.2.1"))
    in_flight.enter(request("192.0.2.1", path))


async def test_bodies_that_arrive_have_a_bound_together() -> None:
    limits = BodyLimits(1000, timedelta(seconds=5), Arriving(1500))
    waiting = asyncio.create_task(read_body(request("192.0.2.1", chunks=[b"x" * 900]), limits))
    await asyncio.sleep(0)
    assert limits.arriving.bytes == 900
    with pytest.raises(BodiesTooLarge):
        await read_body(request("192.0.2.2", chunks=[b"x" * 500, b"x" * 200]), limits)
    assert limits.arriving.bytes == 900
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert limits.arriving.bytes == 0
