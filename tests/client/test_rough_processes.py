"""
What holds whatever the network does to several processes with one stored sign-in, forked in the middle of their work.

As `test_rough_network`, with children that go on with their parent's client while threads of the parent use it.
"""

from __future__ import annotations

import faulthandler
import http.client
import json
import logging
import os
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepass.client import Client
from gatepass.client.file_store import FileStore
from tests.client.conftest import RENAME
from tests.client.test_rough_network import trouble_is_typed
from tests.kit.plain_server import EMAIL, PASSWORD, PlainServer, plain_server
from tests.kit.rough_network import FAULTS, Fault, RoughNetwork

MUTATIONS, EXPIRE = 5, {"query": "expire"}
faults = st.lists(st.sampled_from(FAULTS), max_size=8)


class FarServer(PlainServer):
    """The server of another process, for a `RoughNetwork` in this one."""

    def answers(self, body: Any, authorization: str | None) -> tuple[int, dict[str, Any]]:
        """Over TCP."""
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        try:
            connection.request("POST", parts.path, json.dumps(body), {"Authorization": authorization or ""})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def expire_access_tokens(self) -> None:
        """All of them, there."""
        self.answers(EXPIRE, None)


@dataclass
class Watch:
    """Stands before the server: `renewing` counts refreshes in it at once, `renamed` how often a name came."""

    server: PlainServer
    answers: Callable[[Any, str | None], tuple[int, dict[str, Any]]]
    renewing: int = 0
    renamed: Counter[str] = field(default_factory=Counter)
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, body: Any, authorization: str | None) -> tuple[int, dict[str, Any]]:
        if body == EXPIRE:
            self.server.expire_access_tokens()
            return 200, {}
        is_renewal = "signInRefresh" in body["query"]
        with self._lock:
            self._now += is_renewal
            self.renewing = max(self.renewing, self._now)
        time.sleep(0.003 * is_renewal)
        status, answer = self.answers(body, authorization)
        with self._lock:
            self._now -= is_renewal
            if (answer.get("data") or {}).get("rename"):
                self.renamed[body["variables"]["name"]] += 1
        return status, answer


def renames(api: Client, who: str) -> None:
    for number in range(MUTATIONS):
        with trouble_is_typed():
            assert api(RENAME, {"name": f"{who} {number}"}) == {"rename": {"company_name": f"{who} {number}"}}


def forked(api: Client, address: str, who: str, its_faults: list[Fault]) -> Callable[[], str]:
    """Begin in a child, with a network of its own; what went wrong there is told by what is returned."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # The runner's log files are written under locks that a thread of the parent may hold for ever, seen from here.
        logging.disable()
        # Says where it hangs, and ends it.
        faulthandler.register(signal.SIGALRM, file=2, chain=True)
        signal.alarm(30)
        told = ""
        try:
            api.io._transport = RoughNetwork(FarServer(address=address), list(its_faults)).blocking()
            renames(api, who)
        except BaseException as error:
            told = repr(error)
        finally:
            os.write(writing, f"done {told}".encode())
            os._exit(0)
    os.close(writing)

    def outcome() -> str:
        with os.fdopen(reading, "rb") as pipe:
            told = pipe.read().decode()
        os.waitpid(child, 0)
        return told

    return outcome


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, which this system has not")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@settings(deadline=None, max_examples=8)
@given(of_children=st.lists(faults, min_size=3, max_size=3), of_parent=faults, status=st.sampled_from([200, 401, 403]))
def test_forked_processes_on_rough_networks(
    of_children: list[list[Fault]], of_parent: list[Fault], status: Any
) -> None:
    """One renewal at a time, no mutation runs twice, nobody is signed out, and all come to their end."""
    with plain_server(expired=status, replay_seconds=1e9) as server, tempfile.TemporaryDirectory() as folder:
        watch = Watch(server, server.answers)
        server.answers = watch  # type: ignore[method-assign]
        network = RoughNetwork(FarServer(address=server.address))
        store = FileStore(Path(folder))
        with Client(server.address, profile="plain", store=store, transport=network.blocking()) as api:
            api.sign_in(EMAIL, PASSWORD)
            server.expire_access_tokens()
            network.faults = list(of_parent)
            with ThreadPoolExecutor(2) as pool:
                threads = [pool.submit(renames, api, f"thread {number}") for number in range(2)]
                children = [
                    forked(api, server.address, f"child {number}", its) for number, its in enumerate(of_children)
                ]
                assert [outcome() for outcome in children] == ["done "] * 3
                for thread in threads:
                    thread.result()
            network.faults.clear()
            server.expire_access_tokens()
            assert api("{ me }") == {"me": EMAIL}
        assert (server.counts["signIn"], server.counts["reused"], watch.renewing) == (1, 0, 1)
        doubled = {name for name, times in watch.renamed.items() if times > 1}
        assert all(
            Fault.DUPLICATED in (of_children[int(name.split()[1])] if name.startswith("child") else of_parent)
            for name in doubled
        )
