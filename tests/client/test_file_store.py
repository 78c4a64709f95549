"""Sign-ins in files: private, written whole or not at all, and never a reason to crash."""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatepass.client.file_lock import FileLock
from gatepass.client.file_store import FileStore, decoded, encoded, state_folder
from gatepass.client.stored import (
    NoStore,
    StoredSignIn,
    StoreError,
    checked_profile,
    default_profile,
    open_store,
    profile_for,
)

KEPT = StoredSignIn(
    profile="plain",
    url="https://api.example.org/graphql/",
    username="ada@example.org",
    management_flow=False,
    access_token="access-canary",
    refresh_token="refresh-canary",
    obtained_at=1000.0,
    expires_at=4600.0,
    says_lifetime=True,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "gatepass"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def files(folder: Path, said: list[str]) -> FileStore:
    return FileStore(folder, announce=said.append)


def test_what_is_kept_is_read_again(files: FileStore) -> None:
    """All of it, by name."""
    files.save(KEPT)
    assert files.load("plain") == KEPT
    assert files.load("other") is None


def test_only_the_owner_can_read_it(files: FileStore, folder: Path) -> None:
    """The folder 0700, each file 0600, whatever the umask."""
    before = os.umask(0)
    try:
        files.save(KEPT)
        with files.lock("plain"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_place_is_told_once(files: FileStore, folder: Path, said: list[str]) -> None:
    """At the first sign-in; without a token. A lock that was taken before it makes no difference."""
    with files.lock("plain"):
        files.save(KEPT)
    files.save(replace(KEPT, access_token="another"))
    (line,) = said
    assert str(folder) in line
    assert "canary" not in line


def test_what_others_could_read_is_closed_and_told(files: FileStore, folder: Path, said: list[str]) -> None:
    """Somebody may have copied it meanwhile."""
    files.save(KEPT)
    (folder / "plain.json").chmod(0o644)
    said.clear()
    assert files.load("plain") == KEPT
    assert stat.S_IMODE((folder / "plain.json").stat().st_mode) == 0o600
    assert "could be read by others" in said[0]


WHOLE = json.loads(encoded(KEPT))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 300,
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        encoded(KEPT)[:-20],
        *(json.dumps(WHOLE | change).encode() for change in (
            {"format": 2},
            {"url": None},
            {"username": 5},
            {"access_token": "two words"},
            {"access_token": "line\nbreak"},
            {"refresh_token": ["x"]},
            {"expires_at": "later"},
            {"expires_at": True, "obtained_at": None},
            {"obtained_at": 1e300},
            {"management_flow": "no"},
            {"says_lifetime": 5},
        )),
        json.dumps({name: value for name, value in WHOLE.items() if name != "url"}).encode(),
        encoded(KEPT).replace(b"1000.0", b"NaN"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_set_aside_and_told(files: FileStore, folder: Path, said: list[str], content: bytes) -> None:
    """And counts as nothing; nobody crashes, nothing is lost that could be looked at."""
    files.save(KEPT)
    (folder / "plain.json").write_bytes(content)
    said.clear()
    assert files.load("plain") is None
    (aside,) = folder.glob("plain.json.damaged-*")
    assert aside.read_bytes() == content
    assert "gatepass login" in said[0]
    assert "canary" not in said[0]
    assert files.profiles() == []
    files.save(KEPT)
    assert files.load("plain") == KEPT


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cut=st.integers(0, 400), put=st.binary(max_size=30))
def test_no_content_is_a_crash(cut: int, put: bytes) -> None:
    """A sign-in, or a ValueError that sets it aside."""
    content = encoded(KEPT)
    try:
        found = decoded(content[:cut] + put + content[cut + len(put) :], "plain")
    except ValueError:
        return
    assert found.profile == "plain"
    assert found.remaining_seconds(0.0) < 1e16


def test_what_a_newer_version_added_is_left_alone() -> None:
    """As long as the format is the same."""
    assert decoded(json.dumps(WHOLE | {"color": "green"}).encode(), "plain") == KEPT


def test_a_write_that_fails_leaves_the_old_file(
    files: FileStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing half-written, nothing left over."""
    files.save(KEPT)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        files.save(replace(KEPT, access_token="another"))
    assert files.load("plain") == KEPT
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs the owners of files, which this system has not")
def test_a_folder_of_somebody_else_keeps_nothing(
    files: FileStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They could read it."""
    folder.mkdir(parents=True)
    real = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: real + 1)
    with pytest.raises(StoreError, match="belongs to another user"):
        files.save(KEPT)
    assert list(folder.iterdir()) == []


def test_a_place_that_is_no_folder_is_told(tmp_path: Path) -> None:
    """As a StoreError, with the reason."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot be made"):
        FileStore(tmp_path / "file").save(KEPT)


def test_a_damaged_file_that_cannot_be_moved_is_told_as_it_is(
    files: FileStore, folder: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that can only be read."""
    files.save(KEPT)
    (folder / "plain.json").write_bytes(b"")
    said.clear()

    def refuses(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "replace", refuses)
    assert files.load("plain") is None
    assert "cannot be set aside: Read-only file system" in said[0]


def test_what_is_in_use_already_is_not_written_again(
    files: FileStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sign-in that was kept on the last bytes of a disk has not failed."""
    files.save(KEPT)

    def refuses(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuses)
    files.use("plain")
    assert files.current() == "plain"


def test_the_first_profile_is_in_use_until_another_is(files: FileStore) -> None:
    """What was in use and is forgotten gives way to one that is left."""
    files.save(KEPT)
    files.save(replace(KEPT, profile="other"))
    assert (files.current(), files.profiles()) == ("plain", ["other", "plain"])
    files.use("other")
    files.delete("other")
    assert files.current() == "plain"
    files.delete("plain")
    files.delete("plain")
    assert (files.current(), files.profiles()) == (None, [])
    with pytest.raises(KeyError):
        files.use("plain")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "-x", "a b", "x" * 65, "\u00e9", "a\n", "con\0"])
def test_a_profile_s_name_can_be_a_file_s_name(files: FileStore, name: str) -> None:
    """And leads out of no folder."""
    for deed in (lambda: files.load(name), lambda: files.save(replace(KEPT, profile=name)), lambda: files.lock(name)):
        with pytest.raises(StoreError, match="no name of a profile"):
            deed()


@given(st.text(max_size=80), st.integers(1, 65535))
def test_a_profile_that_is_made_up_from_an_address_has_such_a_name(host: str, port: int) -> None:
    """Whatever the address."""
    try:
        name = default_profile(f"https://{host}:{port}/graphql")
    except ValueError:
        return
    assert checked_profile(name) == name


def test_a_file_that_is_none_of_ours_is_no_profile(files: FileStore, folder: Path) -> None:
    """As a program that copies files may leave one; it stays."""
    files.save(KEPT)
    copy = folder / f"{KEPT.profile} (copy).json"
    copy.write_bytes((folder / f"{KEPT.profile}.json").read_bytes())
    assert files.profiles() == [KEPT.profile]
    assert profile_for(KEPT.url, files) == KEPT.profile
    assert copy.exists()


def test_a_second_sign_in_at_one_host_gets_a_number() -> None:
    """Where the address is another one."""
    assert default_profile("https://api.example.org/a", ["api.example.org"]) == "api.example.org-2"


def test_the_profile_for_an_address_is_the_one_in_use_if_it_fits(files: FileStore) -> None:
    """Else the first by name."""
    for name in ("b", "a"):
        files.save(replace(KEPT, profile=name))
    assert profile_for(KEPT.url, files) == "b"
    assert profile_for("HTTPS://API.example.org:443/graphql", files) == "b"
    files.save(replace(KEPT, profile="c", url="https://other.example.org/"))
    files.use("c")
    assert profile_for(KEPT.url, files) == "a"
    assert profile_for("https://api.example.org:8443/graphql/", files) is None
    assert profile_for("http://api.example.org/graphql/", files) is None


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"XDG_STATE_HOME": "/var/state", "HOME": "/home/ada"}, "/var/state/gatepass"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/home/ada"}, "/home/ada/.local/state/gatepass"),
        ({"XDG_STATE_HOME": "", "HOME": "/home/ada"}, "/home/ada/.local/state/gatepass"),
    ],
)
def test_it_is_where_such_things_are_kept(environ: dict[str, str], expected: str) -> None:
    """XDG Base Directory Specification: a relative path is to be ignored."""
    assert str(state_folder(environ)) == expected


@pytest.mark.parametrize("name", ["keyrnig", "memory"])
def test_an_unknown_store_is_refused(name: str) -> None:
    """Not taken for the default."""
    with pytest.raises(StoreError, match="keyring, file or none"):
        open_store({"GATEPASS_STORE": name})


def test_no_store_keeps_nothing(tmp_path: Path) -> None:
    """And writes nothing."""
    store = open_store({"GATEPASS_STORE": "none", "XDG_STATE_HOME": str(tmp_path)})
    assert isinstance(store, NoStore)
    store.save(KEPT)
    assert store.load("plain") is None
    assert list(tmp_path.iterdir()) == []


def test_the_lock_is_held_by_one_thread_at_a_time(tmp_path: Path) -> None:
    """Each has a descriptor of its own."""
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with FileLock(tmp_path / "lock"):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 1)


def test_a_lock_is_free_when_its_holder_is_gone(tmp_path: Path) -> None:
    """However it went: the system frees it. The file stays, since removing it would let two in."""
    one = FileLock(tmp_path / "lock")
    assert one.try_acquire()
    assert not FileLock(tmp_path / "lock").try_acquire()
    os.close(one._descriptor or 0)
    one._descriptor = None
    other = FileLock(tmp_path / "lock")
    assert other.try_acquire()
    other.release()
    other.release()
    assert (tmp_path / "lock").exists()
