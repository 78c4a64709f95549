"""Clients in this process, with a clock that tests turn and nothing of the machine's own settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.client import AsyncClient, Client
from gatepass.client.exchange import Clocks
from gatepass.client.stored import SignInStore
from tests.kit.memory_store import MemoryStore
from tests.kit.plain_server import EMAIL, PASSWORD, PlainServer, plain_server
from tests.kit.rough_network import ADDRESS, RoughNetwork

RENAME = 'mutation ($name: String!) { rename(company_number: "PL000001", company_name: $name) { company_name } }'


class Clock:
    """Seconds, monotonic and of the wall alike, that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    @property
    def clocks(self) -> Clocks:
        return Clocks(self, self)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of the machine; a store of its own."""
    for name in [name for name in os.environ if name.startswith("GATEPASS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("GATEPASS_STORE", "file")


@pytest.fixture(scope="module", autouse=True)
def no_waiting() -> Iterator[None]:
    """A lost refresh is asked for again at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gatepass.client.exchange.RETRY_SECONDS", (0.0, 0.0))
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def network(clock: Clock) -> RoughNetwork:
    """In this process; nothing is rough unless a test says so."""
    return RoughNetwork(PlainServer(clock=clock))


@pytest.fixture
def live() -> Iterator[PlainServer]:
    """A server that is not ours, on a port."""
    with plain_server() as server:
        yield server


def with_password(network: RoughNetwork, clock: Clock) -> Client:
    """A client that signs in whenever it has to."""
    api = Client(ADDRESS, username=EMAIL, password=PASSWORD, transport=network.blocking())
    api.session.clocks = clock.clocks
    return api


def stored(network: RoughNetwork, clock: Clock, store: SignInStore) -> Client:
    """A client that has nothing but a sign-in that is kept."""
    api = Client(ADDRESS, profile="plain", store=store, transport=network.blocking())
    api.session.clocks = clock.clocks
    if store.load("plain") is None:
        api.sign_in(EMAIL, PASSWORD)
    return api


async def stored_async(network: RoughNetwork, clock: Clock, store: MemoryStore) -> AsyncClient:
    """`stored`, for tasks."""
    api = AsyncClient(ADDRESS, profile="plain", store=store, transport=network.tasks())
    api.session.clocks = clock.clocks
    if "plain" not in store.kept:
        await api.sign_in(EMAIL, PASSWORD)
    return api
