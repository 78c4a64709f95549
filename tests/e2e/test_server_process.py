"""The server as a process: killed, restarted, its upstream gone, its log read for secrets."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from pathlib import Path

import pytest
import requests

from tests.e2e.conftest import EMAIL, PLAIN_PASSWORD, Site, site_before
from tests.kit.processes import free_port, running, sign_in

QUERY = {"query": "{ companies { totalCount } }"}


def test_sessions_survive_a_server_killed_in_the_middle_of_refreshes(site: Site, register: str) -> None:
    """Every answered rotation is there after restart, and no session is broken."""
    pairs = [sign_in(site.address, EMAIL, PLAIN_PASSWORD)["data"]["signIn"] for _ in range(8)]
    last = [pair["refreshToken"] for pair in pairs]
    for _ in range(3):
        port = free_port()
        with running("serve", "--upstream", register, "--port", str(port), environ=site.environ) as server:
            server.says('"listening"', on="err")
            workers = [threading.Thread(target=_refreshes, args=(port, last, index)) for index in range(len(last))]
            for worker in workers:
                worker.start()
            threading.Event().wait(0.6)
            server.gets(signal.SIGKILL)
            for worker in workers:
                worker.join(30)
        for index, token in enumerate(last):
            last[index] = _refresh(site.address, token)


def test_the_upstream_down_leaves_the_service_up(tmp_path: Path, site: Site) -> None:
    """UPSTREAM_UNAVAILABLE within the timeout, no stack trace, and signing in goes on."""
    port = free_port()
    nowhere = f"http://127.0.0.1:{free_port()}/graphql"
    with running("serve", "--upstream", nowhere, "--port", str(port), environ=site.environ) as server:
        server.says('"listening"', on="err")
        address = f"http://127.0.0.1:{port}/graphql/"
        token = sign_in(address, EMAIL, PLAIN_PASSWORD)["data"]["signIn"]["accessToken"]
        answer = requests.post(address, json=QUERY, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        assert answer.status_code == 502
        assert answer.json()["errors"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
        assert nowhere not in answer.text
        assert requests.get(f"http://127.0.0.1:{port}/livez", timeout=30).status_code == 200
        assert requests.get(f"http://127.0.0.1:{port}/readyz", timeout=30).status_code == 200
        server.gets(signal.SIGTERM)
        assert server.ends() == 0
        assert "Traceback" not in server.err


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="reads /proc, as Linux has it")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_leaves_no_core_dump(tmp_path: Path, register: str, workers: str) -> None:
    """Nor do those that it starts: it would hold passwords and keys. 1 also stops dumps into a pipe. core(5)."""
    with site_before(register, tmp_path / "gatepass", GATEPASS_WORKERS=workers) as site:
        everybody = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        pids = [pid for pid in everybody if group_of(pid) == site.server.pid]
        limits = {pid: re.search(r"^Max core file size +(\d+) +(\d+)", limits_of(pid), re.MULTILINE) for pid in pids}
    assert len(pids) > int(workers), "the server, its workers, who hashes for them"
    assert {found and found.groups() for found in limits.values()} == {("1", "1")}


def group_of(pid: int) -> int | None:
    """The session of a process, if it is still there."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def limits_of(pid: int) -> str:
    return Path(f"/proc/{pid}/limits").read_text("ascii")


def test_no_secret_is_in_the_log(site: Site) -> None:
    """One line for each request, with its outcome, and no password, token or document."""
    pair = sign_in(site.address, EMAIL, PLAIN_PASSWORD)["data"]["signIn"]
    wrong = "a canary in place of a password"
    assert sign_in(site.address, EMAIL, wrong)["errors"][0]["extensions"]["code"] == "INVALID_CREDENTIALS"
    bearer = {"Authorization": f"Bearer {pair['accessToken']}", "X-Request-ID": "a-request-id-of-the-client"}
    answered = requests.post(site.address, json=QUERY, headers=bearer, timeout=30)
    assert answered.headers["x-request-id"] == "a-request-id-of-the-client"
    site.server.gets(signal.SIGTERM)
    assert site.server.ends() == 0
    log = site.server.err + site.server.out
    for secret in (PLAIN_PASSWORD, wrong, pair["accessToken"], pair["refreshToken"], "signIn(", "totalCount"):
        assert secret not in log
    lines = [json.loads(line) for line in site.server.err.splitlines() if '"request"' in line]
    by_operation = {line["operation"]: line for line in lines}
    assert by_operation["sign_in"]["code"] == "INVALID_CREDENTIALS"
    assert by_operation["query"]["request_id"] == "a-request-id-of-the-client"
    assert by_operation["query"]["duration_ms"] > 0


def _refreshes(port: int, last: list[str], index: int) -> None:
    address = f"http://127.0.0.1:{port}/graphql/"
    for _ in range(10_000):
        try:
            last[index] = _refresh(address, last[index])
        except requests.RequestException:
            return


def _refresh(address: str, token: str) -> str:
    query = (
        f'mutation {{ signInRefresh(useManagementflow: true, credentials: {{refreshToken: "{token}"}}) '
        "{ refreshToken } }"
    )
    answer = requests.post(address, json={"query": query}, timeout=30).json()
    assert "errors" not in answer, answer
    renewed: str = answer["data"]["signInRefresh"]["refreshToken"]
    return renewed
