"""Sign-ins as files: a folder only its owner can enter, a file for each profile, written whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

from gatepass.client.file_lock import FileLock
from gatepass.client.stored import (
    Announce,
    ProcessLock,
    StoredSignIn,
    StoreError,
    checked_profile,
    is_profile,
    is_token,
)

FORMAT: Final = 1
_SUFFIX: Final = ".json"
_CURRENT: Final = "current"
KEYRING_NAMES: Final = "keyring-profiles"
"""The file that says which sign-ins are in a keyring."""
_LATEST: Final = 1e15


def state_folder(environ: Mapping[str, str]) -> Path:
    """
    `$XDG_STATE_HOME/gatepass`; without that variable `~/.local/state/gatepass`, on Windows in `%LOCALAPPDATA%`.

    Source: XDG Base Directory Specification 0.8; a relative path is to be ignored.
    """
    given = environ.get("XDG_STATE_HOME", "")
    if given and Path(given).is_absolute():
        return Path(given) / "gatepass"
    if sys.platform == "win32" and environ.get("LOCALAPPDATA"):
        return Path(environ["LOCALAPPDATA"]) / "gatepass"
    home = environ.get("HOME")
    try:
        return (Path(home) if home else Path.home()) / ".local" / "state" / "gatepass"
    except RuntimeError as error:
        raise StoreError(
            "There is no home folder to keep a sign-in in: set XDG_STATE_HOME, or GATEPASS_STORE=none."
        ) from error


class Folder:
    """The private folder that a store keeps its files in."""

    def __init__(self, path: Path, announce: Announce) -> None:
        self.path = path
        self.announce = announce

    def ensure(self) -> None:
        """
        Make it, and let nobody else in.

        Raises:
            StoreError: it cannot be made, or belongs to somebody else, who could read what is put there.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.path.stat()
            if hasattr(os, "getuid") and status.st_uid != os.getuid():
                raise StoreError(f"{self.path} belongs to another user: nothing is kept there.")
            if stat.S_IMODE(status.st_mode) & 0o077 and sys.platform != "win32":
                self.path.chmod(0o700)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be made: {error.strerror}.") from error

    def read(self, name: str) -> bytes | None:
        """A file's content; None where there is none."""
        path = self.path / name
        try:
            content = path.read_bytes()
            if sys.platform != "win32" and stat.S_IMODE(path.stat().st_mode) & 0o077:
                path.chmod(0o600)
                self.announce(
                    f"{path} could be read by others; now only by you. If others use this machine, sign out and in."
                )
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}.") from error
        return content

    def write(self, name: str, content: bytes) -> None:
        """Put a file in the place of the old one in one step; after a crash there is one of the two."""
        self.ensure()
        path = self.path / name
        aside = self.path / f".{name}.{secrets.token_hex(6)}"
        try:
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
            _sync(self.path)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}.") from error
        finally:
            aside.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove a file; nothing happens if it is not there."""
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{self.path / name} cannot be removed: {error.strerror}.") from error

    def set_aside(self, name: str) -> None:
        """Move a damaged file out of the way, if it can be moved, and say so."""
        aside = f"{name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(2)}"
        try:
            (self.path / name).replace(self.path / aside)
            fate = f"was set aside as {aside}"
        except OSError as error:
            fate = f"cannot be set aside: {error.strerror}"
        self.announce(f"{self.path / name} is damaged and {fate}. Sign in again with gatepass login.")

    def names(self, suffix: str) -> list[str]:
        """Files that end so, without that ending, sorted."""
        try:
            found = [path.name for path in self.path.iterdir()]
        except OSError:
            return []
        return sorted(name.removesuffix(suffix) for name in found if name.endswith(suffix) and name[0] != ".")

    def current(self) -> str | None:
        """The profile in use, as it was written; it may be gone."""
        content = self.read(_CURRENT)
        return content.decode("utf-8", "replace").strip() or None if content else None

    def use(self, profile: str | None) -> None:
        """Write the profile in use."""
        if profile is None:
            self.remove(_CURRENT)
        elif profile != self.current():  # on a full disk a sign-in that is kept is not to fail at this
            self.write(_CURRENT, f"{profile}\n".encode())


def _sync(folder: Path) -> None:
    """Without it a power failure may bring the old file back, and its refresh token is spent."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FileStore:
    """Sign-ins in a folder. `announce` gets a line at the first sign-in, and when something damaged is set aside."""

    def __init__(self, folder: Path, *, announce: Announce = lambda _: None) -> None:
        self._folder = Folder(folder, announce)

    def load(self, profile: str) -> StoredSignIn | None:
        """See `SignInStore`."""
        name = checked_profile(profile) + _SUFFIX
        content = self._folder.read(name)
        if content is None:
            return None
        try:
            return decoded(content, profile)
        except ValueError:
            self._folder.set_aside(name)
            return None

    def save(self, sign_in: StoredSignIn) -> None:
        """See `SignInStore`."""
        name = checked_profile(sign_in.profile)
        is_first = not self.profiles()
        self._folder.write(name + _SUFFIX, encoded(sign_in))
        if is_first:
            self._folder.announce(
                f"The sign-in is kept in {self._folder.path}, readable by you alone; the password is not kept."
            )
        if self.current() is None:
            self._folder.use(name)

    def delete(self, profile: str) -> None:
        """See `SignInStore`."""
        was_current = self.current() == profile
        self._folder.remove(checked_profile(profile) + _SUFFIX)
        if was_current:
            self._folder.use(next(iter(self.profiles()), None))

    def profiles(self) -> Sequence[str]:
        """See `SignInStore`. A file that is none of ours, as a copy that a program made, is left alone."""
        return [name for name in self._folder.names(_SUFFIX) if is_profile(name)]

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


def has_keyring_names(folder: Path) -> bool:
    """Whether a keyring was used, and has sign-ins still."""
    try:
        return (folder / KEYRING_NAMES).stat().st_size > 0
    except OSError:
        return False


def encoded(sign_in: StoredSignIn) -> bytes:
    """A sign-in as JSON."""
    return json.dumps({"format": FORMAT, **asdict(sign_in)}, indent=1).encode()


def decoded(content: bytes, profile: str) -> StoredSignIn:
    """
    A sign-in from JSON, kept under that profile. Keys that a newer version may have added are left alone.

    Raises:
        ValueError: it is none.
    """
    try:
        found: Any = json.loads(content)
        known = {each.name: found[each.name] for each in fields(StoredSignIn) if each.name in found}
        sign_in = StoredSignIn(**{**known, "profile": profile})
        is_whole = found["format"] == FORMAT and _has_right_types(sign_in)
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError("not a sign-in") from error
    if not is_whole:
        raise ValueError("not a sign-in")
    return sign_in


def _has_right_types(it: Any) -> bool:
    is_text = all(isinstance(text, str) for text in (it.url, it.username))
    has_tokens = all(token is None or is_token(token) for token in (it.access_token, it.refresh_token, it.device_hint))
    times = (it.obtained_at, it.expires_at)
    has_times = all(isinstance(at, int | float) and abs(at) < _LATEST for at in times)  # not NaN, not infinity
    knows = all(known in (None, True, False) for known in (it.says_lifetime, it.gives_hint))
    has_flags = isinstance(it.management_flow, bool) and knows
    return is_text and has_tokens and has_times and has_flags
