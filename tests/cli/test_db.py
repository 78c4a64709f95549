"""`gatepass db`."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gatepass.stores.sqlite import migrations
from tests.cli.conftest import GOOD_PASSWORD, Gatepass, content
from tests.kit.postgres import shared_server

pytestmark = pytest.mark.names_its_stores("commands about stores")


@pytest.fixture
def url() -> str:
    """A PostgreSQL without tables."""
    return shared_server().new_url()


@pytest.fixture
def on_postgres(url: str, initialised: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose store is there."""
    monkeypatch.setenv("GATEPASS_DATABASE_URL", url)
    return initialised


def files(folder: Path) -> dict[str, bytes]:
    """All but SQLite's own files beside a database that was only read."""
    return {name: held for name, held in content(folder).items() if not name.endswith(("-wal", "-shm"))}


def emails(result: str) -> list[str]:
    return [account["email"] for account in json.loads(result)]


# -- tables -----------------------------------------------------------------------------------------------------------


def test_commands_on_a_postgresql_without_tables_say_what_makes_them(gatepass: Gatepass, on_postgres: Path) -> None:
    for command in (("user", "list"), ("serve", "--upstream", "http://127.0.0.1:1/graphql")):
        result = gatepass(*command)
        assert result.code == 1
        assert "Run 'gatepass db upgrade' first." in result.err


def test_upgrade_makes_the_tables_once_and_then_everything_works(gatepass: Gatepass, on_postgres: Path) -> None:
    assert gatepass("db", "status").code == 1
    first, second = gatepass("db", "upgrade"), gatepass("db", "upgrade")
    assert (first.code, second.code) == (0, 0)
    assert "applied 0001_initial\n" in first.err
    assert second.err == "nothing to do: the store is as this Gatepass needs it\n"
    status = gatepass("db", "status", "--json")
    assert status.code == 0
    assert json.loads(status.out)["missing"] == []
    added = gatepass("user", "add", "ana@example.org", "--password-stdin", stdin=GOOD_PASSWORD)
    assert added.code == 0, added.err
    assert emails(gatepass("user", "list", "--json").out) == ["ana@example.org"]


def test_init_for_a_postgresql_makes_no_file_of_a_store_and_names_the_next_step(
    gatepass: Gatepass, folder: Path, url: str
) -> None:
    result = gatepass("init", "--database-url", url)
    assert result.code == 0, result.err
    assert sorted(path.name for path in folder.iterdir()) == ["gatepass.toml", "secret.key"]
    assert "gatepass db upgrade" in result.err
    assert gatepass("db", "upgrade").code == 0
    assert gatepass("user", "list", "--json").out.strip() == "[]"


def test_the_password_of_the_database_is_never_shown(gatepass: Gatepass, folder: Path) -> None:
    """Not by init, not by config, not when it cannot be reached."""
    address = "postgresql://gatepass:hunter2@127.0.0.1:1/gatepass"
    shown = [gatepass("init", "--database-url", address), gatepass("config", "show"), gatepass("db", "upgrade")]
    assert [result.code for result in shown] == [0, 0, 1]
    assert "hunter2" not in "".join(result.out + result.err for result in shown)
    assert "@127.0.0.1:1/gatepass" in shown[1].out


def test_without_a_store_there_is_nothing_to_upgrade(gatepass: Gatepass, folder: Path) -> None:
    for command in (("upgrade",), ("status",), ("backup", folder.parent / "copy.db")):
        result = gatepass("db", *command)
        assert (result.code, result.out) == (1, "")
        assert "run 'gatepass init'" in result.err
    assert not folder.exists()


def test_an_older_sqlite_file_is_copied_before_it_is_upgraded(
    gatepass: Gatepass, with_ana: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrations.known()
    following = migrations.Migration(known[-1].version + 1, "9999_next", "CREATE TABLE more (a TEXT);\n")
    monkeypatch.setattr(migrations, "known", lambda: (*known, following))
    status = gatepass("db", "status")
    assert status.code == 1
    assert "missing  9999_next\n" in status.out
    assert "applied 9999_next" in gatepass("db", "upgrade").err
    copy = folder / "gatepass.db.before-9999_next"
    assert oct(copy.stat().st_mode & 0o777) == "0o600"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT email FROM accounts").fetchall() == [(with_ana,)]
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)
    assert gatepass("db", "status").code == 0


# -- copies -----------------------------------------------------------------------------------------------------------


def test_accounts_move_to_postgresql_and_back(
    gatepass: Gatepass, with_ana: str, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, back = f"sqlite:///{folder / 'gatepass.db'}", f"sqlite:///{folder / 'back.db'}"
    refused = gatepass("db", "copy", "--from", there, "--to", url)
    assert (refused.code, "gatepass db upgrade" in refused.err) == (1, True)
    monkeypatch.setenv("GATEPASS_DATABASE_URL", url)
    gatepass("db", "upgrade")
    copied = gatepass("db", "copy", "--from", there, "--to", url)
    assert copied.code == 0, copied.err
    assert "accounts: 1 copied, SHA-256 " in copied.err
    assert emails(gatepass("user", "list", "--json").out) == [with_ana]
    again = gatepass("db", "copy", "--from", there, "--to", url)
    assert (again.code, "Say --replace" in again.err) == (1, True)
    assert gatepass("db", "copy", "--from", there, "--to", url, "--replace").code == 0
    assert gatepass("db", "copy", "--from", url, "--to", back).code == 0
    assert gatepass("db", "copy", "--from", there, "--replace").code == 0  # the password is on no command line
    assert gatepass("db", "copy", "--to", back, "--replace").code == 0
    assert gatepass("db", "copy").code == 2
    slip = gatepass("db", "copy", "--from", "mysql://db/x")
    assert (slip.code, slip.err.startswith("gatepass: --from: expected sqlite:///FILE")) == (2, True)
    monkeypatch.setenv("GATEPASS_DATABASE_URL", back)
    assert emails(gatepass("user", "list", "--json").out) == [with_ana]


def test_a_source_in_use_is_refused_and_copied_for_a_rehearsal(gatepass: Gatepass, with_ana: str, folder: Path) -> None:
    """The last line says what the copy is good for."""
    target = f"sqlite:///{folder / 'b.db'}"
    with closing(sqlite3.connect(folder / "gatepass.db")) as server:
        server.execute("SELECT * FROM accounts").fetchone()
        refused = gatepass("db", "copy", "--to", target)
        assert (refused.code, "Stop its servers first" in refused.err, "--rehearsal" in refused.err) == (1, True, True)
        tried = gatepass("db", "copy", "--to", target, "--rehearsal")
        assert (tried.code, "copy again with --replace" in tried.err) == (0, True), tried.err
    moved = gatepass("db", "copy", "--to", target, "--replace")
    assert (moved.code, "and start the servers" in moved.err) == (0, True), moved.err


def test_what_cannot_be_known_of_the_source_is_a_warning_before_the_copy(
    gatepass: Gatepass, on_postgres: Path, url: str, folder: Path
) -> None:
    gatepass("db", "upgrade")
    target = f"sqlite:///{folder / 'b.db'}"
    result = gatepass("db", "copy", "--from", f"{url}&pgbouncer=true", "--to", target)
    assert result.code == 0, result.err
    assert result.err.startswith("warning: Servers cannot be seen through PgBouncer. Make sure that none is running")


def test_a_copy_that_is_interrupted_says_that_nothing_has_changed(
    gatepass: Gatepass, with_ana: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that the same command does it."""

    async def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gatepass.stores.copying.copy", interrupted)
    result = gatepass("db", "copy", "--to", f"sqlite:///{folder / 'b.db'}")
    assert (result.code, "the target is as it was; run the same command again" in result.err) == (130, True)


def test_a_source_that_is_not_there_is_not_made(gatepass: Gatepass, initialised: Path, url: str) -> None:
    missing = initialised / "missing.db"
    result = gatepass("db", "copy", "--from", f"sqlite:///{missing}", "--to", url)
    assert result.code == 1
    assert "there is no store at" in result.err
    assert not missing.exists()


# -- backups ----------------------------------------------------------------------------------------------------------


def test_a_backup_is_a_whole_store(gatepass: Gatepass, with_ana: str, folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    result = gatepass("db", "backup", copy)
    assert (result.code, result.err) == (0, f"made {copy}\n")
    assert oct(copy.stat().st_mode & 0o777) == "0o600"
    gatepass("user", "remove", with_ana, "--yes")
    shutil.copy(copy, folder / "gatepass.db")
    assert emails(gatepass("user", "list", "--json").out) == [with_ana]


def test_a_backup_overwrites_nothing_and_leaves_nothing_half_done(
    gatepass: Gatepass, with_ana: str, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "copy.db").write_text("mine")
    before = files(tmp_path)
    for file in (tmp_path / "copy.db", tmp_path / "nowhere" / "copy.db"):
        assert gatepass("db", "backup", file).code == 1
    assert files(tmp_path) == before


def test_postgresql_has_backups_of_its_own(gatepass: Gatepass, on_postgres: Path, tmp_path: Path) -> None:
    result = gatepass("db", "backup", tmp_path / "copy.db")
    assert result.code == 1
    assert "pg_dump" in result.err
