"""The audit log of a running server: sealed by itself, verified and read beside it by an operator."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from tests.e2e.conftest import EMAIL, PLAIN_PASSWORD, Site
from tests.kit.processes import COMMAND, sign_in


@pytest.mark.sqlite_only("an edit of the file behind the server's back")
def test_a_server_seals_its_log_and_an_operator_verifies_it(site: Site) -> None:
    """Within seconds, with the secret key that both have; and an edit by a third hand is found."""
    sign_in(site.address, EMAIL, "not the password")
    sign_in(site.address, EMAIL, PLAIN_PASSWORD)
    found = json.loads(site.operator("audit", "list", "--json", "--account", EMAIL).stdout)
    assert [(each["event"], each["result"], each["reason"]) for each in found] == [
        ("sign_in", "refused", "wrong_password"),
        ("sign_in", "done", None),
    ]
    assert {each["address"] for each in found} == {"127.0.0.1"}
    deadline = time.monotonic() + 30
    while f"sealed up to entry {found[-1]['number']}" not in site.operator("audit", "verify").stderr:
        assert time.monotonic() < deadline, "nobody sealed the log"
        time.sleep(0.5)
    edit = "DROP TRIGGER audit_entries_stay_as_they_are; UPDATE audit_entries SET address = NULL WHERE number = {}"
    program = f"import sqlite3; sqlite3.connect({str(site.data_dir / 'gatepass.db')!r}).executescript({edit!r})"
    subprocess.run([sys.executable, "-c", program.format(found[1]["number"])], check=True, timeout=30)
    verified = subprocess.run(
        [*COMMAND, "audit", "verify"], env=site.environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert verified.returncode == 1
    assert f"entry {found[1]['number']} was changed" in verified.stderr
