"""Sign-ins in the system's keyring (extra `gatepass[keyring]`): macOS Keychain, Secret Service, Windows, KWallet."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol, cast

from gatepass.client.file_lock import FileLock
from gatepass.client.file_store import KEYRING_NAMES, Folder, decoded, encoded
from gatepass.client.stored import Announce, ProcessLock, StoredSignIn, StoreError, checked_profile

SERVICE: Final = "gatepass"
_PROBE: Final = "probe"
# From here on `keyring` itself recommends a backend. Those below keep nothing (`fail`, `null`), or are files.
_RECOMMENDED: Final = 1.0
# Longer than a session bus takes to say that there is no keyring; a person who unlocks one may take this long, too.
_PROBE_SECONDS: Final = 20.0


class Keyring(Protocol):
    """What is used of a backend of `keyring`."""

    def get_password(self, service: str, username: str) -> str | None:
        """The value, or None."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a value."""

    def delete_password(self, service: str, username: str) -> None:
        """Forget a value; an error if there is none."""


def answering_keyring() -> Keyring | None:
    """A backend that keeps secrets and answers a question; None where there is none, or no package `keyring`."""
    try:
        backend: Any = importlib.import_module("keyring").get_keyring()
        is_real = float(backend.priority) >= _RECOMMENDED
    except Exception:  # not installed, or a backend that cannot even be made or asked how good it is
        return None
    return cast(Keyring, backend) if is_real and _answers(backend) else None


def _answers(backend: Keyring) -> bool:
    answered: list[bool] = []

    def ask() -> None:
        try:
            backend.get_password(SERVICE, _PROBE)
        except Exception:  # whatever it is, it is no answer
            return
        answered.append(True)

    # A daemon thread: a bus that never answers must not keep the process from ending.
    thread = threading.Thread(target=ask, name="gatepass-keyring-probe", daemon=True)
    thread.start()
    thread.join(_PROBE_SECONDS)
    return bool(answered)


class KeyringStore:
    """Sign-ins in a keyring. Names of profiles and locks are files in `folder`: a keyring can list and lock nothing."""

    def __init__(self, keyring: Keyring, folder: Path, *, announce: Announce = lambda _: None) -> None:
        self._keyring = keyring
        self._folder = Folder(folder, announce)

    def load(self, profile: str) -> StoredSignIn | None:
        """See `SignInStore`."""
        name = checked_profile(profile)
        content = self._ask("read", self._keyring.get_password, SERVICE, name)
        if content is None:
            return None
        try:
            return decoded(str(content).encode(), name)
        except ValueError:
            self._folder.announce(
                f"The keyring's entry {SERVICE}/{name} is damaged and is not used. Sign in again with gatepass login."
            )
            return None

    def save(self, sign_in: StoredSignIn) -> None:
        """See `SignInStore`."""
        name = checked_profile(sign_in.profile)
        self._ask("written", self._keyring.set_password, SERVICE, name, encoded(sign_in).decode())
        if name not in self.profiles():
            self._write_names([*self.profiles(), name])
        if self.current() is None:
            self._folder.use(name)

    def delete(self, profile: str) -> None:
        """See `SignInStore`."""
        was_current = self.current() == profile
        if self._ask("read", self._keyring.get_password, SERVICE, checked_profile(profile)) is not None:
            self._ask("written", self._keyring.delete_password, SERVICE, profile)
        if profile in self.profiles():
            self._write_names([name for name in self.profiles() if name != profile])
        if was_current:
            self._folder.use(next(iter(self.profiles()), None))

    def profiles(self) -> Sequence[str]:
        """See `SignInStore`."""
        content = self._folder.read(KEYRING_NAMES) or b""
        return sorted(set(content.decode("utf-8", "replace").split()))

    def current(self) -> str | None:
        """See `SignInStore`."""
        name = self._folder.current()
        return name if name in self.profiles() else None

    def use(self, profile: str) -> None:
        """See `SignInStore`."""
        if profile not in self.profiles():
            raise KeyError(profile)
        self._folder.use(profile)

    def lock(self, profile: str) -> ProcessLock:
        """See `SignInStore`."""
        self._folder.ensure()
        return FileLock(self._folder.path / f"{checked_profile(profile)}.lock")

    def _write_names(self, names: Sequence[str]) -> None:
        self._folder.write(KEYRING_NAMES, "".join(f"{name}\n" for name in sorted(names)).encode())

    def _ask(self, deed: str, method: Any, *arguments: str) -> Any:
        try:
            return method(*arguments)
        except Exception as error:
            raise StoreError(f"The keyring could not be {deed}: {type(error).__name__}.") from error
