"""How a field of `Settings` is declared: its kind, its default, and the sentence that the reference prints."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from gatepass.settings.kinds import Kind, V

if TYPE_CHECKING:
    from gatepass.settings.model import Settings

_KEY: Final = "gatepass"


@dataclass(frozen=True, slots=True)
class Key:
    """
    What is known of one setting beside its value.

    `default_words` describe a default that is made from other settings, as `derived` makes it.
    """

    group: str
    kind: Kind[Any]
    text: str
    default_words: str = ""
    derived: Callable[[Settings], object] | None = None


class NamedKey(NamedTuple):
    """A key under its name, with the default of its field."""

    name: str
    key: Key
    default: object


class Underived:
    """Stands in a field whose default is made from others, until it is made."""

    def __repr__(self) -> str:
        return "(made from other settings)"


UNDERIVED: Final = Underived()


class Group:
    """Settings that belong together in the reference."""

    def __init__(self, title: str) -> None:
        self._title = title

    def key(self, kind: Kind[V], default: V, text: str) -> V:
        """A field with a plain default."""
        return cast("V", self._field(Key(self._title, kind, text), default))

    def optional(self, kind: Kind[V], text: str) -> V | None:
        """A field that may stay empty."""
        return cast("V | None", self._field(Key(self._title, kind, text), None))

    def derived(self, kind: Kind[V], words: str, make: Callable[[Settings], V], text: str) -> V:
        """A field whose default is made from other settings, those above it."""
        return cast("V", self._field(Key(self._title, kind, text, words, make), UNDERIVED))

    def _field(self, key: Key, default: object) -> Any:
        if isinstance(default, dict):
            return dataclasses.field(default_factory=dict, metadata={_KEY: key}, repr=not key.kind.is_secret)
        return dataclasses.field(default=default, metadata={_KEY: key}, repr=not key.kind.is_secret)


def keys_of(settings: type[Settings]) -> tuple[NamedKey, ...]:
    """Every key, in the order of the reference."""
    fields = [field for field in dataclasses.fields(settings) if _KEY in field.metadata]
    return tuple(NamedKey(field.name, field.metadata[_KEY], _default(field)) for field in fields)


def _default(field: dataclasses.Field[Any]) -> object:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
