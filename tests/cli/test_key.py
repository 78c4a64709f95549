"""`gatepass key`: the server's keys, also while servers run."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gatepass.crypto.keyring import Keyring
from gatepass.crypto.sealing import Sealer, generate_secret_key
from gatepass.domain.errors import KeyUnusable
from gatepass.domain.secret import Secret
from gatepass.usecases.ports import Store
from tests.cli.conftest import Gatepass, content
from tests.kit.store_of_run import in_store, store_variables


def ring(folder: Path, *secret_keys: str) -> tuple[bytes, bytes]:
    """What a server has that starts with these secret keys: the public keys, and the secret of new refresh tokens."""
    sealer = Sealer(*map(Secret, secret_keys or [secret_key(folder)]))

    async def opened(store: Store) -> tuple[bytes, bytes]:
        found = await Keyring.open(store.keys, sealer, clock=lambda: datetime.now(UTC))
        return found.jwks(), found.active().secret.reveal()

    return in_store(folder, opened)


def secret_key(folder: Path, name: str = "secret.key") -> str:
    return (folder / name).read_text().strip()


def listed(gatepass: Gatepass) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(gatepass("key", "list", "--json").out)
    return found


def the(gatepass: Gatepass, use: str, state: str) -> dict[str, Any]:
    (found,) = [key for key in listed(gatepass) if (key["use"], key["state"]) == (use, state)]
    return found


@pytest.fixture
def folder_with_keys(initialised: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder on which a server was started once."""
    monkeypatch.setenv("GATEPASS_KEY_POLL_SECONDS", "0.02")
    ring(initialised)
    return initialised


# -- list -------------------------------------------------------------------------------------------------------------


def test_it_lists_the_keys_and_what_becomes_of_them(gatepass: Gatepass, folder_with_keys: Path) -> None:
    """For people; nothing secret in it."""
    assert gatepass("key", "rotate", "--use", "access").code == 0
    result = gatepass("key", "list")
    assert (result.code, result.err) == (0, "")
    head, *lines = result.out.splitlines()
    assert head.split() == ["KEY", "USE", "ALGORITHM", "STATE", "SINCE"]
    words = [line.split() for line in lines]
    assert [(line[1], line[2], line[3]) for line in words] == [
        ("access", "ES256", "active"),
        ("refresh", "HS256", "active"),
        ("access", "ES256", "next"),
    ]
    assert [" ".join(line[6:8]) for line in words] == ["replaced from", "replaced from", "signs from"]


def test_it_lists_for_programs(gatepass: Gatepass, folder_with_keys: Path) -> None:
    """Moments in ISO 8601 with their zone."""
    key = the(gatepass, "access", "active")
    assert key.keys() == {"id", "use", "algorithm", "state", "created_at", "since", "until"}
    since, until = datetime.fromisoformat(key["since"]), datetime.fromisoformat(key["until"])
    assert (until - since).days == 90


def test_without_automatic_rotation_it_says_so(
    gatepass: Gatepass, folder_with_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEPASS_KEY_MAX_AGE_SECONDS", "0")
    assert the(gatepass, "access", "active")["until"] is None
    assert "replaced by hand" in gatepass("key", "list").out


# -- rotate -----------------------------------------------------------------------------------------------------------


def test_it_publishes_a_next_key_of_each_use(gatepass: Gatepass, folder_with_keys: Path) -> None:
    """A message, no data; the same again changes nothing."""
    result = gatepass("key", "rotate")
    assert (result.code, result.out) == (0, "")
    assert [line.split(" (")[1] for line in result.err.splitlines()] == [
        f"ES256) is published, and signs from {the(gatepass, 'access', 'next')['until'][:16].replace('T', ' ')} UTC",
        f"HS256) is published, and signs from {the(gatepass, 'refresh', 'next')['until'][:16].replace('T', ' ')} UTC",
    ]
    before = listed(gatepass)
    assert gatepass("key", "rotate").err == result.err
    assert listed(gatepass) == before


def test_a_next_key_is_made_for_the_algorithm_that_is_set(
    gatepass: Gatepass, folder_with_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEPASS_SIGNING_ALGORITHM", "EdDSA")
    (made,) = json.loads(gatepass("key", "rotate", "--use", "access", "--json").out)
    assert (made["algorithm"], made["state"]) == ("EdDSA", "next")


def test_it_lets_a_key_sign_now(gatepass: Gatepass, folder_with_keys: Path) -> None:
    """After the moment that servers need to see it."""
    old = the(gatepass, "access", "active")["id"]
    result = gatepass("key", "rotate", "--now", "--json")
    assert result.code == 0
    assert result.err == "waiting 1 s, until every server has seen the key\n"
    assert [key["state"] for key in json.loads(result.out)] == ["active", "active"]
    assert the(gatepass, "access", "retiring")["id"] == old
    assert the(gatepass, "access", "active")["id"] == json.loads(result.out)[0]["id"]


def test_the_wrong_secret_key_makes_no_key(
    gatepass: Gatepass, folder_with_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No server could open it, and one of them would sign nothing any more."""
    before = listed(gatepass)
    monkeypatch.setenv("GATEPASS_SECRET_KEY", generate_secret_key().reveal())
    for command in (("rotate",), ("rotate", "--now"), ("retire", before[0]["id"], "--now", "--yes")):
        result = gatepass("key", *command)
        assert result.code == 1
        assert "cannot be opened" in result.err
    assert listed(gatepass) == before


def test_before_the_first_start_there_is_nothing_to_rotate(gatepass: Gatepass, initialised: Path) -> None:
    result = gatepass("key", "rotate")
    assert (result.code, "first start of a server" in result.err) == (1, True)
    assert listed(gatepass) == []


@pytest.mark.parametrize("command", [("list",), ("rotate",), ("retire", "abcd"), ("reseal",), ("reseal", "--new")])
def test_without_a_store_it_says_how_to_make_one(gatepass: Gatepass, folder: Path, command: tuple[str, ...]) -> None:
    """And makes none."""
    result = gatepass("key", *command)
    assert (result.code, "gatepass init" in result.err) == (1, True)
    assert not folder.exists()


# -- retire -----------------------------------------------------------------------------------------------------------


def test_a_key_that_is_needed_is_not_removed(gatepass: Gatepass, folder_with_keys: Path) -> None:
    """Neither the one that signs, nor one whose tokens live; each refusal says what to do."""
    assert gatepass("key", "rotate", "--use", "access", "--now").code == 0
    before = listed(gatepass)
    signing = gatepass("key", "retire", the(gatepass, "access", "active")["id"])
    assert (signing.code, "gatepass key rotate" in signing.err) == (1, True)
    retiring = gatepass("key", "retire", the(gatepass, "access", "retiring")["id"])
    assert (retiring.code, "may live until" in retiring.err) == (1, True)
    assert listed(gatepass) == before


def test_a_compromised_key_is_replaced_and_gone(gatepass: Gatepass, folder_with_keys: Path) -> None:
    """It takes --now and a yes; a part of the id will do."""
    old = the(gatepass, "access", "active")["id"]
    asked = gatepass("key", "retire", old[:10], "--now")
    assert (asked.code, "--yes" in asked.err) == (2, True)
    result = gatepass("key", "retire", old[:10], "--now", "--yes", "--json")
    assert result.code == 0, result.err
    answer = json.loads(result.out)
    assert answer["removed"]["id"] == old
    assert the(gatepass, "access", "active")["id"] == answer["successor"]["id"]
    assert old not in {key["id"] for key in listed(gatepass)}


def test_a_rotation_is_called_off_by_removing_the_next_key(gatepass: Gatepass, folder_with_keys: Path) -> None:
    """It has signed nothing, so nothing more is asked."""
    gatepass("key", "rotate", "--use", "refresh")
    name = the(gatepass, "refresh", "next")["id"]
    assert gatepass("key", "retire", name).err == f"removed the refresh key {name}\n"
    assert len(listed(gatepass)) == 2


@pytest.mark.parametrize("begin", ["-Xy_z", "-hy_z", "-Xhy_z", "--Xhy"])
def test_an_id_may_begin_with_a_hyphen(gatepass: Gatepass, folder_with_keys: Path, begin: str) -> None:
    """One in 64 does: it is no option, and no wish for help."""
    result = gatepass("key", "retire", begin, "--now")
    assert (result.code, f"There is no key {begin}" in result.err) == (1, True)


# -- reseal -----------------------------------------------------------------------------------------------------------


def test_the_secret_key_is_changed_in_one_command(gatepass: Gatepass, folder_with_keys: Path) -> None:
    """New file, former file beside it, keys sealed anew; only the new one opens them, and they are the same."""
    former, before = secret_key(folder_with_keys), ring(folder_with_keys)
    result = gatepass("key", "reseal", "--new")
    assert (result.code, result.out) == (0, "")
    assert result.err.splitlines()[:3] == [
        f"made {folder_with_keys / 'secret.key'}",
        f"made {folder_with_keys / 'secret.key.previous'}",
        "2 of 2 keys sealed anew; all are under the present secret key",
    ]
    assert "restart every server" in result.err
    assert secret_key(folder_with_keys, "secret.key.previous") == former != secret_key(folder_with_keys)
    assert [path.stat().st_mode & 0o777 for path in sorted(folder_with_keys.glob("secret*"))] == [0o600, 0o600]
    assert ring(folder_with_keys) == before
    with pytest.raises(KeyUnusable):
        ring(folder_with_keys, former)
    assert former not in result.err
    assert secret_key(folder_with_keys) not in result.err


def test_it_may_be_repeated(gatepass: Gatepass, folder_with_keys: Path) -> None:
    """Which is also the last step of the change; without a previous key there is nothing more to say."""
    gatepass("key", "reseal", "--new")
    assert json.loads(gatepass("key", "reseal", "--json").out) == {"resealed": 0, "keys": 2}
    (folder_with_keys / "secret.key.previous").unlink()
    assert gatepass("key", "reseal").err == "0 of 2 keys sealed anew; all are under the present secret key\n"


def test_a_second_change_waits_for_the_end_of_the_first(gatepass: Gatepass, folder_with_keys: Path) -> None:
    """Else the key before last would be lost while servers may still need it."""
    gatepass("key", "reseal", "--new")
    before = content(folder_with_keys)
    result = gatepass("key", "reseal", "--new")
    assert (result.code, "not finished" in result.err) == (1, True)
    assert content(folder_with_keys) == before


@pytest.mark.parametrize("end", ["after the copy", "after the new key", "in the middle of a file"])
def test_a_change_that_was_interrupted_leaves_everything_readable_and_is_finished(
    gatepass: Gatepass, folder_with_keys: Path, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a server finds that starts just then, it can open the keys."""
    before = ring(folder_with_keys)
    replaced: list[Path] = []

    def interrupt(path: Path, text: str) -> None:
        if end == "in the middle of a file":
            path.with_name(path.name + ".unfinished").write_text(text[:20])
            raise KeyboardInterrupt
        replace(path, text)
        replaced.append(path)
        if len(replaced) == (1 if end == "after the copy" else 2):
            raise KeyboardInterrupt

    from gatepass.cli import server_keys

    replace = server_keys._replace
    monkeypatch.setattr(server_keys, "_replace", interrupt)
    assert gatepass("key", "reseal", "--new").code == 130
    monkeypatch.undo()
    for name, value in {"GATEPASS_DATA_DIR": str(folder_with_keys), **store_variables(folder_with_keys)}.items():
        monkeypatch.setenv(name, value)
    previous = folder_with_keys / "secret.key.previous"
    both = [secret_key(folder_with_keys), *([previous.read_text().strip()] if previous.exists() else [])]
    assert ring(folder_with_keys, *both) == before
    again = ("key", "reseal") if end == "after the new key" else ("key", "reseal", "--new")
    assert gatepass(*again).code == 0
    assert ring(folder_with_keys, secret_key(folder_with_keys)) == before
    assert not list(folder_with_keys.glob("*.unfinished"))


def test_a_secret_key_of_the_environment_is_changed_there(
    gatepass: Gatepass, folder_with_keys: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in containers: new one in, former one as previous, reseal."""
    former, before = secret_key(folder_with_keys), ring(folder_with_keys)
    (folder_with_keys / "secret.key").unlink()
    monkeypatch.setenv("GATEPASS_SECRET_KEY", former)
    refused = gatepass("key", "reseal", "--new")
    assert (refused.code, "environment GATEPASS_SECRET_KEY" in refused.err) == (1, True)
    new = generate_secret_key().reveal()
    (tmp_path / "former").write_text(former)
    monkeypatch.setenv("GATEPASS_SECRET_KEY", new)
    monkeypatch.setenv("GATEPASS_SECRET_KEY_PREVIOUS_FILE", str(tmp_path / "former"))
    assert gatepass("key", "reseal", "--json").out == '{"resealed": 2, "keys": 2}\n'
    assert ring(folder_with_keys, new) == before


def test_a_store_that_the_secret_key_does_not_open_keeps_its_secret_key(
    gatepass: Gatepass, folder_with_keys: Path
) -> None:
    """A change would hide the right one behind two wrong ones."""
    (folder_with_keys / "secret.key").write_text(generate_secret_key().reveal())
    before = content(folder_with_keys)
    result = gatepass("key", "reseal", "--new")
    assert (result.code, "cannot be opened" in result.err) == (1, True)
    assert content(folder_with_keys) == before
