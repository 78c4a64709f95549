"""`gatepass serve --workers N`: several processes on one port, with one hash pool, started, replaced and drained."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from gatepass.crypto.sealing import generate_secret_key
from tests.e2e.conftest import EMAIL, PLAIN_PASSWORD, Site, site_before
from tests.kit.processes import COMMAND, free_port, running, sign_in

QUERY = {"query": "{ companies { totalCount } }"}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs sockets that processes inherit: Linux or macOS")


@pytest.fixture
def site(tmp_path: Path, register: str) -> Iterator[Site]:
    """Yield a site whose server is three processes."""
    with site_before(register, tmp_path / "gatepass", GATEPASS_WORKERS="3", GATEPASS_DRAIN_SECONDS="3") as site:
        yield site


def children(pid: int, named: str) -> set[int]:
    """The processes that this one started with that word in their command line."""
    found = subprocess.run(["pgrep", "-P", str(pid), "-f", named], capture_output=True, text=True, check=False)
    return {int(line) for line in found.stdout.split()}


def servers(site: Site) -> set[int]:
    return children(site.server.pid, "gatepass.cli serve")


def eventually(holds: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def bearer(site: Site) -> dict[str, str]:
    pair = sign_in(site.address, EMAIL, PLAIN_PASSWORD)["data"]["signIn"]
    return {"Authorization": f"Bearer {pair['accessToken']}"}


def test_every_process_answers_and_all_share_one_hash_pool(site: Site) -> None:
    """As many hash workers as one process would have (here one), whatever the number of servers."""
    headers = bearer(site)
    ids = {
        requests.post(site.address, json=QUERY, headers=headers, timeout=30).headers["x-request-id"] for _ in range(60)
    }
    assert len({request_id.rpartition("-")[0] for request_id in ids}) > 1
    assert len(servers(site)) == 3
    hashing = [pid for pid in (site.server.pid, *servers(site)) for pid in children(pid, "password_worker")]
    assert len(hashing) == 1


def counted(site: Site) -> int:
    """How many queries the metrics show, from whichever process answers."""
    page = requests.get(f"{site.address.removesuffix('/graphql/')}/metrics", timeout=30).text
    found = re.search(r'gatepass_requests_total\{code="OK",operation="query"\} ([0-9.]+)', page)
    return int(float(found[1])) if found else 0


def test_metrics_are_those_of_all_processes_and_never_fall(site: Site) -> None:
    """A scraper meets any of them; one that was lost counts on."""
    headers = bearer(site)
    for _ in range(20):
        requests.post(site.address, json=QUERY, headers=headers, timeout=30)
    assert {counted(site) for _ in range(12)} == {20}
    os.kill(min(servers(site)), signal.SIGKILL)
    site.server.says("was lost", on="err")
    assert {counted(site) for _ in range(12)} == {20}


def test_one_that_is_killed_is_replaced_and_nobody_is_refused_a_connection(site: Site) -> None:
    """Connections wait in the shared backlog, and the others accept them."""
    headers, before = bearer(site), servers(site)
    lost = min(before)
    os.kill(lost, signal.SIGKILL)
    for _ in range(30):
        assert requests.post(site.address, json=QUERY, headers=headers, timeout=30).status_code == 200
    eventually(lambda: len(servers(site)) == 3 and lost not in servers(site))
    site.server.says(f"server process {lost} was lost", on="err")
    assert sign_in(site.address, EMAIL, PLAIN_PASSWORD)["data"]["signIn"]["accessToken"]


def test_a_lost_hash_worker_is_replaced_for_all(site: Site) -> None:
    bearer(site)
    (worker,) = children(site.server.pid, "password_worker")
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: bool(children(site.server.pid, "password_worker") - {worker}))
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: sign_in(site.address, EMAIL, PLAIN_PASSWORD), range(12)))
    assert [answer for answer in answers if "errors" in answer] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_first_process_drains_and_ends_them_all(site: Site, number: signal.Signals) -> None:
    bearer(site)
    site.server.gets(number)
    assert site.server.ends() == (130 if number is signal.SIGINT else 0)
    assert site.server.left_behind() == []


def test_without_the_first_process_the_others_end_by_themselves(site: Site) -> None:
    """A starter that was killed can tell nobody; none may go on without hashing, unseen."""
    bearer(site)
    site.server.gets(signal.SIGKILL)
    site.server.ends()
    eventually(lambda: site.server.left_behind() == [])


def test_a_start_that_fails_says_why_and_leaves_nothing(site: Site, register: str) -> None:
    """The message of the process itself, once for each; then the command ends."""
    environ = site.environ | {"GATEPASS_SECRET_KEY": generate_secret_key().reveal()}
    with running("serve", "--upstream", register, "--port", str(free_port()), environ=environ) as server:
        assert server.ends() == 1
        assert "a server process did not start" in server.err
        assert server.left_behind() == []


def test_a_taken_port_is_said_once(site: Site, register: str) -> None:
    port = site.address.split(":")[2].split("/")[0]
    refused = subprocess.run(
        [*COMMAND, "serve", "--upstream", register, "--port", port],
        env=site.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert refused.stderr.count("is taken") == 1
