"""`gatepass init`."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from gatepass.settings import Settings
from tests.cli.conftest import CANARY, Gatepass, content

pytestmark = pytest.mark.sqlite_only("what it makes are files; for PostgreSQL it makes fewer: test_db.py")


def modes(folder: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in [folder, *folder.iterdir()]}


def test_it_makes_folder_store_key_and_file_for_the_owner_only(gatepass: Gatepass, folder: Path) -> None:
    """Whatever the umask is."""
    former = os.umask(0)
    try:
        result = gatepass("init")
    finally:
        os.umask(former)
    assert (result.code, result.out) == (0, "")
    assert modes(folder) == {"data": "0o700", "secret.key": "0o600", "gatepass.toml": "0o600", "gatepass.db": "0o600"}
    assert "gatepass user add you@example.org" in result.err


def test_what_it_makes_can_be_used(gatepass: Gatepass, folder: Path) -> None:
    """The key is one that the settings accept, the file holds nothing but comments."""
    gatepass("init")
    settings = Settings.load(environ={"GATEPASS_DATA_DIR": str(folder)})
    assert re.fullmatch(r"gps_[\w-]{43}", settings.require_secret_key().reveal())
    assert {row.origin for row in settings.report()} == {
        "default",
        "environment GATEPASS_DATA_DIR",
        str(folder / "secret.key"),
    }


def test_the_secret_is_not_printed(gatepass: Gatepass, folder: Path) -> None:
    """It is in its file, and nowhere else."""
    result = gatepass("init")
    assert (folder / "secret.key").read_text().strip() not in result.out + result.err


@pytest.mark.parametrize("there", ["secret.key", "gatepass.toml", "gatepass.db"])
def test_it_refuses_to_overwrite_and_then_writes_nothing(gatepass: Gatepass, folder: Path, there: str) -> None:
    """A lost secret key would be a lost store."""
    folder.mkdir()
    (folder / there).write_text("" if there != "secret.key" else CANARY)
    (folder / there).chmod(0o600)
    before = content(folder)
    result = gatepass("init")
    assert result.code == 1
    assert (
        result.err == f"gatepass: {folder / there} is there already, and nothing was written: pick another --data-dir\n"
    )
    assert content(folder) == before


def test_a_second_time_is_refused(gatepass: Gatepass, initialised: Path) -> None:
    """It is no repair."""
    before = content(initialised)
    assert gatepass("init").code == 1
    assert content(initialised) == before


def test_a_folder_that_is_there_is_used_and_its_mode_is_the_owners_business(gatepass: Gatepass, folder: Path) -> None:
    """Volumes of containers come as they are; a note says what others can do."""
    folder.mkdir(mode=0o755)
    (folder / "lost+found").mkdir()
    result = gatepass("init")
    assert result.code == 0
    assert f"'chmod 700 {folder}'" in result.err
    assert modes(folder)["data"] == "0o755"


def test_a_secret_key_from_the_environment_needs_no_file(
    gatepass: Gatepass, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As containers get it."""
    monkeypatch.setenv("GATEPASS_SECRET_KEY", CANARY)
    result = gatepass("init")
    assert result.code == 0
    assert not (folder / "secret.key").exists()
    assert CANARY not in result.err


def test_what_could_not_be_finished_is_taken_away(
    gatepass: Gatepass, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store in a folder that does not exist: the next try must not find half a Gatepass."""
    monkeypatch.setenv("GATEPASS_DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/x.db")
    result = gatepass("init")
    assert result.code == 1
    assert result.err.startswith("gatepass: ")
    assert not folder.exists()


def test_the_flag_comes_before_the_environment(gatepass: Gatepass, folder: Path, tmp_path: Path) -> None:
    """And the next steps that are printed name it."""
    result = gatepass("init", "--data-dir", tmp_path / "other")
    assert (tmp_path / "other" / "secret.key").exists()
    assert not folder.exists()
    assert f"gatepass serve --data-dir {tmp_path / 'other'} --upstream" in result.err
