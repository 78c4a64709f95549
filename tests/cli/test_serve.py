"""`gatepass serve`, as a process."""

from __future__ import annotations

import json
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.cli.conftest import GOOD_PASSWORD, Gatepass
from tests.kit.processes import Process, post, running, sign_in
from tests.kit.store_of_run import is_postgres

# Nobody listens there; the gateway starts without its upstream.
UPSTREAM = "http://127.0.0.1:9/graphql"


def address_of(server: Process) -> str:
    server.says('"event":"listening"', on="err")
    (line,) = [json.loads(line) for line in server.err.splitlines() if '"listening"' in line]
    address = line["address"]
    assert isinstance(address, str)
    return address


def test_accounts_of_the_store_can_sign_in(gatepass: Gatepass, with_ana: str) -> None:
    """While it runs, the command line changes accounts under it."""
    with running("serve", "--upstream", UPSTREAM, "--port", "0") as server:
        address = address_of(server)
        token = sign_in(address, with_ana, GOOD_PASSWORD)["data"]["signIn"]["accessToken"]
        assert gatepass("user", "disable", with_ana).code == 0
        assert sign_in(address, with_ana, GOOD_PASSWORD)["errors"][0]["extensions"]["code"] == "INVALID_CREDENTIALS"
        time.sleep(1)
        refused = post(address, "{companies{id}}", token)
        assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        server.gets(signal.SIGTERM)
        assert server.ends() == 0
    assert server.out == ""
    assert GOOD_PASSWORD not in server.err
    assert token not in server.err
    assert server.left_behind() == []


def test_ctrl_c_is_130(initialised: Path) -> None:
    """Interrupted, after an orderly end."""
    with running("serve", "--upstream", UPSTREAM, "--port", "0") as server:
        address_of(server)
        server.gets(signal.SIGINT)
        assert server.ends() == 130
    assert "Traceback" not in server.err
    assert server.left_behind() == []


def test_sighup_is_no_end(initialised: Path) -> None:
    """It reads the upstream's schema again; that the upstream is away does not matter."""
    with running("serve", "--upstream", UPSTREAM, "--port", "0") as server:
        address = address_of(server)
        server.gets(signal.SIGHUP)
        time.sleep(0.3)
        assert post(address, "{__typename}")["data"] == {"__typename": "Query"}


def test_without_tls_beyond_loopback_a_warning_is_logged(initialised: Path) -> None:
    """Unless the public address says that a TLS proxy is in front."""
    options = ("serve", "--upstream", UPSTREAM, "--port", "0", "--host", "0.0.0.0")
    with running(*options) as server:
        server.says("passwords and tokens travel in clear text", on="err")
    with running(*options, "--public-url", "https://api.example.org") as server:
        address_of(server)
        time.sleep(0.2)
        assert "clear text" not in server.err


def test_a_taken_port_is_said(initialised: Path) -> None:
    """Before anything else is said."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running("serve", "--upstream", UPSTREAM, "--port", str(port)) as server:
            assert server.ends() == 1
    assert server.err == f"gatepass: port {port} is taken: stop what uses it or pick another with --port\n"


def test_another_secret_key_is_said_in_one_line(
    gatepass: Gatepass, initialised: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys in the store stay sealed."""
    with running("serve", "--upstream", UPSTREAM, "--port", "0") as server:
        address_of(server)
    gatepass("init", "--data-dir", tmp_path / "other")
    monkeypatch.setenv("GATEPASS_SECRET_KEY_FILE", str(tmp_path / "other" / "secret.key"))
    with running("serve", "--upstream", UPSTREAM, "--port", "0") as server:
        assert server.ends() == 1
    assert "GATEPASS_SECRET_KEY is not the one" in server.err
    assert server.err.count("\n") == 1


def test_what_is_missing_is_said(gatepass: Gatepass, folder: Path) -> None:
    """First the data folder, then the API to protect."""
    result = gatepass("serve", "--upstream", UPSTREAM)
    assert (result.code, result.out) == (1, "")
    assert "run 'gatepass init'" in result.err
    assert not folder.exists()
    gatepass("init")
    result = gatepass("serve")
    assert result.code == 1
    assert "name it with --upstream URL" in result.err
    if not is_postgres():
        (folder / "gatepass.db").unlink()
        assert "there is no store" in gatepass("serve", "--upstream", UPSTREAM).err
