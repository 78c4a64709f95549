"""A gateway over each of the HTTP adapters, and the upstreams behind it. Whatever was opened is closed again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Protocol

import pytest

from gatepass.gateway.forward import Gateway
from gatepass.gateway.http_lane import HttpLane
from gatepass.gateway.http_upstream import HttpUpstream
from gatepass.gateway.upstream import Upstream, UpstreamLimits
from tests.gateway.actors import Behaviour, RawUpstream, Revocations

LIMITS = UpstreamLimits(
    connect_timeout=timedelta(seconds=5), response_timeout=timedelta(seconds=5), idle_timeout=timedelta(seconds=5)
)
ADAPTERS: dict[str, Callable[[str, UpstreamLimits], Upstream]] = {"aiohttp": HttpUpstream, "lane": HttpLane}

Opens = Callable[[Behaviour], Awaitable[RawUpstream]]
Guards = Callable[[Upstream], Gateway]


class Adapts(Protocol):
    """Reach an upstream on HTTP through one of the adapters."""

    def __call__(self, url: str, limits: UpstreamLimits = LIMITS) -> Upstream: ...


@pytest.fixture
async def closing() -> AsyncIterator[AsyncExitStack]:
    """Closes what a test opened, then finds that no task is left."""
    async with AsyncExitStack() as stack:
        yield stack
    for _ in range(100):
        if not (left := asyncio.all_tasks() - {asyncio.current_task()}):
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"left running: {left}")


@pytest.fixture
async def revocations(closing: AsyncExitStack) -> Revocations:
    revocations = Revocations()
    await revocations.sessions.refresh()
    return revocations


@pytest.fixture
def faults() -> list[str]:
    """What the gateway reported."""
    return []


@pytest.fixture(params=sorted(ADAPTERS))
def adapts(request: pytest.FixtureRequest, closing: AsyncExitStack) -> Adapts:
    def adapt(url: str, limits: UpstreamLimits = LIMITS) -> Upstream:
        upstream = ADAPTERS[request.param](url, limits)
        closing.push_async_callback(upstream.close)
        return upstream

    return adapt


@pytest.fixture
def opens(closing: AsyncExitStack) -> Opens:
    async def open_upstream(behaviour: Behaviour) -> RawUpstream:
        upstream = RawUpstream(behaviour)
        await upstream.open()
        closing.push_async_callback(upstream.close)
        return upstream

    return open_upstream


@pytest.fixture
def guards(revocations: Revocations, faults: list[str]) -> Guards:
    """Put a gateway before an upstream."""

    def guard(upstream: Upstream) -> Gateway:
        return Gateway(
            upstream,
            revocations.sessions,
            revocations.now,
            on_fault=lambda reason, _: faults.append(reason),
        )

    return guard
