"""Two servers behind nginx; each is restarted under load, one after the other, and nobody notices."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.e2e.conftest import Site
from tests.kit.processes import Process, free_port, running
from tests.neighbours.conftest import Person, Starts, base_of, needed, put, shown
from tests.neighbours.test_proxies import NGINX

QUERY = {"query": "{ companies { totalCount } }"}
REFRESH = """mutation ($token: String!) {
  signInRefresh(useManagementflow: true, credentials: {refreshToken: $token}) { refreshToken }
}"""
CLIENTS = 6


class Replicas:
    """Two servers on one store, each with a port of its own."""

    def __init__(self, site: Site, register: str, stack: ExitStack) -> None:
        self.ports = [free_port(), free_port()]
        self._site, self._register, self._stack = site, register, stack
        self._running = [self._start(port) for port in self.ports]

    def restart(self, number: int) -> None:
        """As an operator would: stop it, see it gone, start it, see that the proxy has taken it back."""
        self._running[number].gets(signal.SIGTERM)
        assert self._running[number].ends() == 0
        self._running[number] = self._start(self.ports[number])
        self._running[number].says('"event":"request"', on="err")

    def _start(self, port: int) -> Process:
        environ = self._site.environ | {"GATEPASS_PUBLIC_URL": base_of(self._site), "GATEPASS_WORKERS": "2"}
        arguments = ("serve", "--upstream", self._register, "--port", str(port))
        server = self._stack.enter_context(running(*arguments, environ=environ))
        server.says('"listening"', on="err")
        return server


@pytest.fixture
def replicas(site: Site, register: str) -> Iterator[Replicas]:
    """Yield two replicas that run."""
    with ExitStack() as stack:
        yield Replicas(site, register, stack)


def test_no_request_is_lost_while_replicas_are_restarted(
    replicas: Replicas, ana: Person, folder: Path, starts: Starts
) -> None:
    """Neither queries nor refreshes: POSTs, which nginx sends to another server only when it could not connect."""
    program, port = needed("nginx", "nginx-light"), free_port()
    first, second = (f"127.0.0.1:{taken}" for taken in replicas.ports)
    places = {"10.0.0.1:8000": first, "10.0.0.2:8000": second, "listen 80;": f"listen 127.0.0.1:{port};"}
    balanced = put(shown("operate", "nginx", holding="keepalive"), places)
    home = folder / "balanced"
    home.mkdir()
    user = "user root;" if home.owner() == "root" else ""
    (home / "nginx.conf").write_text(NGINX.format(user=user, folder=home, shown=balanced))
    proxy = starts(program, "-p", str(home), "-c", "nginx.conf", folder=home, port=port)

    done, outcomes = threading.Event(), Counter[str]()

    def ask() -> None:
        with httpx2.Client(timeout=20) as client:
            while not done.is_set():
                try:
                    answer = client.post(f"http://127.0.0.1:{port}/graphql/", json=QUERY, headers=ana.headers)
                    outcomes[str(answer.status_code)] += 1
                except httpx2.HTTPError as error:
                    outcomes[type(error).__name__] += 1

    def refresh() -> None:
        token = ana.refresh_token
        with httpx2.Client(timeout=20) as client:
            while not done.is_set():
                try:
                    body = {"query": REFRESH, "variables": {"token": token}}
                    answer = client.post(f"http://127.0.0.1:{port}/graphql/", json=body).json()
                    successor = answer["data"]["signInRefresh"]["refreshToken"]
                except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
                    outcomes[f"no refresh: {type(error).__name__}"] += 1
                    continue
                outcomes["refreshed" if successor != token else "refreshed to the same"] += 1
                token = successor

    clients = [threading.Thread(target=each) for each in (*[ask] * CLIENTS, refresh)]
    for client in clients:
        client.start()
    try:
        for number in (0, 1, 0):
            replicas.restart(number)
    finally:
        done.set()
        for client in clients:
            client.join(30)
    assert set(outcomes) == {"200", "refreshed"}, (outcomes, proxy.said)
    assert min(outcomes.values()) > 100
