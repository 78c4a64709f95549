"""Secrets that are used all over, with everything logged: nothing that is kept or shown holds one afterwards."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
from pathlib import Path

import pytest

from gatepass.domain.secret import Secret
from gatepass.settings import Settings
from gatepass.telemetry.logs import LineHandler, configure_logging
from tests.kit.processes import COMMAND
from tests.kit.world import REFRESH, SIGN_IN, Person, World, add_account, running, settings_for

PASSWORD, WRONG = "canary-one wooden lantern", "canary-two copper kettle"
INJECTION = 'ana\n{"level":"error","event":"forged"}\x1b[2J\u2028@example.org'


async def _all_over(world: World) -> dict[str, str]:
    """Use every secret at every door, rightly and wrongly; what must not be seen again."""
    ana = Person(world, "ana@example.org", PASSWORD)
    first = await ana.signs_in()
    second = await ana.refreshes(first)
    await ana.tries_to_sign_in(WRONG)
    await world.posts(SIGN_IN, {"userName": WRONG, "password": PASSWORD})
    await world.posts(SIGN_IN, {"userName": INJECTION, "password": WRONG})
    inline = SIGN_IN.replace("$userName", json.dumps("ana@example.org")).replace("$password", json.dumps(PASSWORD))
    await world.posts(inline)
    await world.posts(f'mutation {{ signin(userName: "ana@example.org", password: "{PASSWORD}") }}')
    await ana.asks_who_they_are(second)
    await world.posts("{ me { subject } }", bearer=second.access[:-4] + "AAAA")
    await world.posts("{ me { subject } }", headers={"Authorization": f"Basic {PASSWORD}"})
    await world.posts(REFRESH, {"token": second.refresh[:-4] + "AAAA"})
    await world.client.get(f"/graphql?access_token={second.access}")
    await world.client.get(f"/{second.refresh}")
    await world.client.post("/graphql", content=PASSWORD.encode(), headers={"Content-Type": "application/json"})
    await world.client.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": second.refresh})
    await world.client.get("/authz", headers={"Authorization": f"Bearer {second.access}"})
    await ana.refreshes(second)
    await ana.signs_out(second, everywhere=True)
    return {
        "the password": PASSWORD,
        "a wrong one": WRONG,
        "the access token": second.access,
        "the refresh token": second.refresh,
        "the first refresh token": first.refresh,
    }


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _config_shown(settings: Settings) -> bytes:
    """What an operator sends who asks for help: `SECURITY.md` has them send this."""
    assert isinstance(settings.secret_key, Secret)
    own = {"GATEPASS_DATA_DIR": str(settings.data_dir), "GATEPASS_SECRET_KEY": settings.secret_key.reveal()}
    shown = subprocess.run(
        [*COMMAND, "config", "show", "--origin"], env={**os.environ, **own}, capture_output=True, check=True, timeout=60
    )
    assert re.search(rb'^secret_key = "\(hidden\)" +# environment', shown.stdout, re.MULTILINE)
    return shown.stdout + shown.stderr


@pytest.mark.sqlite_only("reads every byte of the data folder, where the file is")
async def test_no_secret_is_left_anywhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = settings_for(tmp_path, log_level="debug")
    secret_key = settings.secret_key
    assert isinstance(secret_key, Secret)
    await add_account(settings, "ana@example.org", PASSWORD, "read")
    with caplog.at_level(logging.DEBUG):
        async with running(settings) as world:
            canaries = {**await _all_over(world), "the secret key": secret_key.reveal()}
            metrics = (await world.client.get("/metrics")).content
    kept = _files(tmp_path)
    # The client of these tests writes a log too; what it says is its own.
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    shown = {
        "the log": "\n".join(f"{record.getMessage()} {record.__dict__}" for record in ours).encode(),
        "metrics": metrics,
        "the settings": repr([*settings.report(), settings]).encode(),
        "config show": _config_shown(settings),
        **kept,
    }
    assert len(kept) >= 1
    found = [
        (what, where) for what, canary in canaries.items() for where, text in shown.items() if canary.encode() in text
    ]
    assert found == []


def test_a_log_line_stays_one_line_whatever_is_in_a_name() -> None:
    """OWASP ASVS 5.0 V16.4.1. Through the form in which a server writes its log."""
    stream = io.BytesIO()
    root, before = logging.getLogger(), logging.getLogger().level
    handler = configure_logging("json", "debug", stream)
    try:
        logging.getLogger("gatepass").warning("name %s", INJECTION, extra={"who": INJECTION})
        handler.flush()
    finally:
        root.setLevel(before)
        for old in [old for old in root.handlers if isinstance(old, LineHandler)]:
            root.removeHandler(old)
        logging.captureWarnings(False)
    (line,) = stream.getvalue().splitlines()
    assert b"\x1b" not in line
    assert "\u2028".encode() not in line
    assert json.loads(line)["level"] == "warning"
