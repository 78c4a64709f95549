"""Kinds of values: what is expected, in words, and how a value of any source becomes one."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

V = TypeVar("V")

MAX_SHOWN_CHARACTERS = 60
_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?", re.ASCII)
_SWITCH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class UnusableError(ValueError):
    """The value is not of its kind; the text completes "expected …, got …"."""


class Kind(Generic[V]):
    """One kind of value. `is_secret` values are never shown, not even when they are wrong."""

    is_secret: bool = False

    @property
    def expected(self) -> str:
        """What a value must be, to follow the word "expected"."""
        raise NotImplementedError

    def read(self, raw: object) -> V:
        """
        The value.

        Args:
            raw: text from a flag, the environment or a secret's file; whatever TOML gave; or the value itself.

        Raises:
            UnusableError: not of this kind. It says more only where `expected` does not say it all.
        """
        raise NotImplementedError

    def plain(self, value: V) -> object:
        """The value as JSON and TOML can hold it."""
        return value

    def hides(self, raw: object) -> bool:  # noqa: ARG002 - for kinds of which only some values are secret
        """Whether this value, usable or not, may hold a secret."""
        return self.is_secret


@dataclass(frozen=True, slots=True)
class WholeNumber(Kind[int]):
    """A whole number within bounds, both included."""

    low: int
    high: int

    @property
    def expected(self) -> str:
        """The bounds."""
        return f"a whole number from {self.low} to {self.high}"

    def read(self, raw: object) -> int:
        """Take a number, or digits."""
        number = int(raw) if isinstance(raw, str) and _WHOLE.fullmatch(raw) else raw
        if not isinstance(number, int) or isinstance(number, bool) or not self.low <= number <= self.high:
            raise UnusableError
        return number


@dataclass(frozen=True, slots=True)
class Number(Kind[float]):
    """A number within bounds, both included."""

    low: float
    high: float

    @property
    def expected(self) -> str:
        """The bounds."""
        return f"a number from {self.low:g} to {self.high:g}"

    def read(self, raw: object) -> float:
        """Take a number, or one in plain decimal notation."""
        number = float(raw) if isinstance(raw, str) and _NUMBER.fullmatch(raw) else raw
        if not isinstance(number, int | float) or isinstance(number, bool):
            raise UnusableError
        if not math.isfinite(number) or not self.low <= number <= self.high:
            raise UnusableError
        return float(number)

    def plain(self, value: float) -> object:
        """Whole numbers without a fraction."""
        return int(value) if value.is_integer() else value


class Switch(Kind[bool]):
    """True or false."""

    @property
    def expected(self) -> str:
        """The two words."""
        return "true or false"

    def read(self, raw: object) -> bool:
        """Take a boolean, or one of the words that people write for it."""
        value = _SWITCH.get(raw.lower()) if isinstance(raw, str) else raw
        if not isinstance(value, bool):
            raise UnusableError
        return value


@dataclass(frozen=True, slots=True)
class Choice(Kind[str]):
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        """The words."""
        return f"one of {', '.join(self.words)}"

    def read(self, raw: object) -> str:
        """Take exactly one of the words."""
        if not isinstance(raw, str) or raw not in self.words:
            raise UnusableError
        return raw


class Name(Kind[str]):
    """A short printable name, such as a token's audience."""

    @property
    def expected(self) -> str:
        """The bounds."""
        return "1 to 255 printable characters"

    def read(self, raw: object) -> str:
        """Take printable text."""
        if not isinstance(raw, str) or not 0 < len(raw) <= 255 or not raw.isprintable():  # noqa: PLR2004
            raise UnusableError
        return raw


class Folder(Kind[Path]):
    """A folder, absolute once read. It need not exist yet."""

    @property
    def expected(self) -> str:
        """In a word."""
        return "a folder"

    def read(self, raw: object) -> Path:
        """Take a path; `~` is the home folder, a relative one starts at the working folder."""
        if not isinstance(raw, str | Path) or not str(raw) or "\x00" in str(raw):
            raise UnusableError
        try:
            return Path(raw).expanduser().absolute()
        except RuntimeError as error:
            raise UnusableError("'~' stands for no folder here") from error

    def plain(self, value: Path) -> object:
        """As text."""
        return str(value)


def shown(kind: Kind[V], raw: object) -> str:
    """A value for an error message: short, in quotes where it is text, and nothing of a secret."""
    if kind.hides(raw) or "@" in str(raw):
        return "something else (not shown: it may hold a secret)"
    text = json.dumps(raw, default=str, ensure_ascii=False)
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}…"
