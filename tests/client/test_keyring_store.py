"""Sign-ins in the system's keyring, where a real one answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backends.fail import Keyring as Fails
from keyring.backends.null import Keyring as Null
from keyring.errors import KeyringError, PasswordDeleteError

from gatepass.client import Client, SignInRequired
from gatepass.client.file_store import FileStore
from gatepass.client.keyring_store import KeyringStore, answering_keyring
from gatepass.client.stored import StoreError, open_store
from tests.client.test_file_store import KEPT
from tests.kit.plain_server import EMAIL, PASSWORD, PlainServer


class Ring:
    """A keyring as a system has it, but in memory. No subclass of keyring's own: those are found by everybody."""

    priority = 5.0

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._ask()
        return self.secrets.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._ask()
        self.secrets[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._ask()
        if self.secrets.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")

    def _ask(self) -> None:
        if self.is_locked:
            raise KeyringError("the canary sings: locked")


class File(Ring):
    """As those of keyrings.alt: a file with a weak cipher, which keyring does not recommend."""

    priority = 0.5


class Unusable(Ring):
    """A backend whose library is missing says so when it is asked how good it is."""

    @property
    def priority(self) -> float:  # type: ignore[override]
        raise RuntimeError("SecretService required")


class Deaf(Ring):
    """A session bus that never answers."""

    def get_password(self, service: str, username: str) -> str | None:
        time.sleep(5)
        return None


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.delenv("GATEPASS_STORE")
    return {"XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    """The system's keyring is this one."""
    ring = Ring()
    use(monkeypatch, ring)
    return ring


def use(monkeypatch: pytest.MonkeyPatch, backend: Any) -> None:
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)


def test_a_keyring_that_answers_is_used(ring: Ring, environ: dict[str, str], tmp_path: Path) -> None:
    """No token in any file, and nothing to announce."""
    said: list[str] = []
    store = open_store(environ, announce=said.append)
    assert isinstance(store, KeyringStore)
    store.save(KEPT)
    assert store.load("plain") == KEPT
    assert said == []
    contents = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert contents
    assert "canary" not in "".join(contents)


@pytest.mark.parametrize("backend", [Fails, Null, File, Unusable])
def test_what_is_no_real_keyring_is_not_used(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, backend: Any
) -> None:
    """Files are better; who insists on a keyring is told how to get one."""
    use(monkeypatch, backend())
    assert isinstance(open_store(environ), FileStore)
    with pytest.raises(StoreError, match="no keyring answers"):
        open_store(environ | {"GATEPASS_STORE": "keyring"})


def test_who_has_signed_in_into_files_goes_on_with_them(ring: Ring, environ: dict[str, str], tmp_path: Path) -> None:
    """Until nothing is kept there. Otherwise a sign-in would be lost when a keyring comes into reach."""
    FileStore(tmp_path / "state" / "gatepass").save(KEPT)
    store = open_store(environ)
    assert isinstance(store, FileStore)
    store.delete("plain")
    ours = open_store(environ)
    assert isinstance(ours, KeyringStore)
    ours.save(KEPT)
    FileStore(tmp_path / "state" / "gatepass").save(KEPT)
    assert isinstance(open_store(environ), KeyringStore)


def test_a_keyring_that_does_not_answer_is_not_waited_for_for_ever(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it keep the process from ending."""
    monkeypatch.setattr("gatepass.client.keyring_store._PROBE_SECONDS", 0.1)
    use(monkeypatch, Deaf())
    assert answering_keyring() is None
    (probe,) = [thread for thread in threading.enumerate() if "probe" in thread.name]
    assert probe.daemon


def test_a_locked_keyring_is_not_used(ring: Ring, environ: dict[str, str]) -> None:
    """It answers with an error."""
    ring.is_locked = True
    assert isinstance(open_store(environ), FileStore)


def test_a_keyring_that_is_locked_meanwhile_is_an_error_of_the_store(ring: Ring, environ: dict[str, str]) -> None:
    """With the kind of the error, not with its words: they may hold anything."""
    store = open_store(environ)
    store.save(KEPT)
    ring.is_locked = True
    deeds: list[Callable[[], object]] = [
        lambda: store.load("plain"),
        lambda: store.save(KEPT),
        lambda: store.delete("plain"),
    ]
    for deed in deeds:
        with pytest.raises(StoreError, match="KeyringError") as raised:
            deed()
        assert "canary" not in str(raised.value)


def test_a_damaged_entry_is_told_and_counts_as_nothing(ring: Ring, environ: dict[str, str]) -> None:
    """The next sign-in replaces it."""
    said: list[str] = []
    store = open_store(environ, announce=said.append)
    store.save(KEPT)
    ring.secrets["gatepass", "plain"] = "{"
    assert store.load("plain") is None
    assert "is damaged" in said[0]
    store.save(KEPT)
    assert store.load("plain") == KEPT


def test_profiles_are_listed_and_forgotten(ring: Ring, environ: dict[str, str]) -> None:
    """A keyring cannot list: the names, and only they, are in a file."""
    store = open_store(environ)
    store.save(KEPT)
    assert (store.profiles(), store.current()) == (["plain"], "plain")
    with pytest.raises(KeyError):
        store.use("other")
    store.delete("plain")
    store.delete("plain")
    assert (store.profiles(), store.current(), ring.secrets) == ([], None, {})


def test_a_client_signs_in_renews_and_forgets(ring: Ring, environ: dict[str, str], live: PlainServer) -> None:
    """As with files."""
    with Client(live.address) as api:
        api.sign_in(EMAIL, PASSWORD)
        live.expire_access_tokens()
        assert api("{ me }") == {"me": EMAIL}
    with Client(live.address) as api:
        assert api("{ me }") == {"me": EMAIL}
        api.sign_out()
        with pytest.raises(SignInRequired):
            api.token()
    assert ring.secrets == {}
    assert live.counts["signInRefresh"] == 1
    assert PASSWORD not in repr(ring.secrets)
