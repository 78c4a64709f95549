"""Kinds of secrets, and who else may read the file that one lies in."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gatepass.domain.secret import Secret
from gatepass.settings.errors import SettingsError
from gatepass.settings.kinds import Kind, UnusableError

MAX_SECRET_FILE_BYTES: Final = 65_536
HIDDEN: Final = "(hidden)"
_SECRET_KEY = re.compile(r"gps_[A-Za-z0-9_-]{43,86}", re.ASCII)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]{0,8190}[\x21-\x7e])?", re.ASCII)


class SecretKey(Kind[Secret[str]]):
    """The operator's secret key, in the form that `gatepass.crypto` makes."""

    is_secret = True

    @property
    def expected(self) -> str:
        """With the way to make one."""
        return "gps_ and 43 to 86 random characters, as 'gatepass init' makes them"

    def read(self, raw: object) -> Secret[str]:
        """Take text, or a secret; white space around it does not count."""
        text = raw.reveal() if isinstance(raw, Secret) else raw
        if not isinstance(text, str) or not _SECRET_KEY.fullmatch(text.strip()):
            raise UnusableError
        return Secret(text.strip())

    def plain(self, value: Secret[str]) -> object:  # noqa: ARG002 - not even its length
        """That it is there, and no more."""
        return HIDDEN


class SecretHeaders(Kind[Mapping[str, Secret[str]]]):
    """HTTP headers whose values are secret."""

    is_secret = True

    @property
    def expected(self) -> str:
        """For the environment and for TOML."""
        return "lines of the form 'Name: value', or in the file a table of texts"

    def read(self, raw: object) -> Mapping[str, Secret[str]]:
        """Take lines, or a mapping."""
        pairs = _lines(raw) if isinstance(raw, str) else dict(raw) if isinstance(raw, Mapping) else None
        if pairs is None:
            raise UnusableError
        return MappingProxyType({_header_name(name): _header_value(value) for name, value in pairs.items()})

    def plain(self, value: Mapping[str, Secret[str]]) -> object:
        """The names."""
        return dict.fromkeys(value, HIDDEN)


def read_secret_file(path: Path, origin: str) -> str:
    """
    The text of a file that holds one secret.

    Raises:
        SettingsError: it cannot be read, or is no text of a secret's size.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_FILE_BYTES + 1)
        text = content.decode("utf-8").strip()
    except OSError as error:
        raise SettingsError(origin, f"the file cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SettingsError(origin, "the file is not text in UTF-8") from None
    if not text or len(content) > MAX_SECRET_FILE_BYTES:
        raise SettingsError(origin, "the file is empty or too large to be a secret")
    return text


def check_private(path: Path) -> None:
    """
    Refuse a file with a secret in it that every user of the machine may read. Windows has no such bits.

    Raises:
        SettingsError: it is open to everybody.
    """
    if os.name != "posix":
        return
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SettingsError(str(path), f"the file cannot be read: {error.strerror}") from error
    if mode & stat.S_IRWXO:
        raise SettingsError(
            str(path), f"holds a secret and is open to every user of this machine: run 'chmod 600 {path}'"
        )


def _lines(text: str) -> dict[str, str]:
    pairs = [line.partition(":") for line in text.splitlines() if line.strip()]
    headers = {name.strip(): value.strip() for name, colon, value in pairs if colon}
    if len(headers) != len(pairs):
        raise UnusableError("a line without colon, or a name twice")
    return headers


def _header_name(name: object) -> str:
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise UnusableError
    return name


def _header_value(raw: object) -> Secret[str]:
    value = raw.reveal() if isinstance(raw, Secret) else raw
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
        raise UnusableError
    return Secret(value)
