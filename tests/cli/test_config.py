"""`gatepass config show`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CANARY, Gatepass


def test_it_prints_what_holds(gatepass: Gatepass, initialised: Path) -> None:
    """Data on standard output, one setting a line."""
    (initialised / "gatepass.toml").write_text("port = 9000\n")
    result = gatepass("config", "show")
    assert (result.code, result.err) == (0, "")
    assert "port = 9000\n" in result.out
    assert "upstream = (not set)\n" in result.out


def test_it_says_where_each_value_came_from(gatepass: Gatepass, initialised: Path) -> None:
    """File and line, variable, flag, default."""
    (initialised / "gatepass.toml").write_text("\nport = 9000\n")
    lines = gatepass("config", "show", "--origin").out.splitlines()
    origins = {line.split(" = ")[0]: line.rpartition("  # ")[2] for line in lines}
    assert origins["port"] == f"{initialised / 'gatepass.toml'} line 2: port"
    assert origins["argon2_memory_kib"] == "environment GATEPASS_ARGON2_MEMORY_KIB"
    assert origins["secret_key"] == str(initialised / "secret.key")
    assert origins["host"] == "default"


def test_it_prints_json(gatepass: Gatepass, initialised: Path) -> None:
    """With or without origins."""
    assert json.loads(gatepass("config", "show", "--json").out)["port"] == 8000
    assert json.loads(gatepass("config", "show", "--json", "--origin", "--data-dir", initialised).out)["data_dir"] == {
        "value": str(initialised),
        "origin": "flag --data-dir",
    }


def test_it_works_before_init(gatepass: Gatepass, folder: Path) -> None:
    """To see what init would use."""
    result = gatepass("config", "show")
    assert result.code == 0
    assert "secret_key = (not set)" in result.out
    assert not folder.exists()


def test_secrets_are_hidden(gatepass: Gatepass, initialised: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every form."""
    monkeypatch.setenv("GATEPASS_SECRET_KEY", CANARY)
    monkeypatch.setenv("GATEPASS_SECRET_KEY_PREVIOUS", CANARY)
    monkeypatch.setenv("GATEPASS_DATABASE_URL", f"postgresql://gatepass:{CANARY}@127.0.0.1/gatepass")
    monkeypatch.setenv("GATEPASS_UPSTREAM_INTROSPECTION_HEADERS", f"X-Key: {CANARY}")
    for options in ((), ("--origin",), ("--json",), ("--json", "--origin")):
        result = gatepass("config", "show", *options)
        assert result.code == 0
        assert CANARY[4:] not in result.out + result.err
        assert "(hidden)" in result.out


def test_a_bad_file_is_said_with_its_line(gatepass: Gatepass, initialised: Path, tmp_path: Path) -> None:
    """As every command says it."""
    (tmp_path / "bad.toml").write_text("port = 1\nprot = 2\n")
    result = gatepass("config", "show", "--config", tmp_path / "bad.toml")
    assert result.code == 1
    assert result.err == f"gatepass: {tmp_path}/bad.toml line 2: prot: there is no such setting; did you mean port?\n"
