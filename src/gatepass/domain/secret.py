"""A value that must not be seen by accident."""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar

Value = TypeVar("Value", str, bytes)


class Secret(Generic[Value]):
    """
    Holds a plain secret; `reveal()` is the only way to it.

    `repr`, `str`, f-strings and pickling do not show it, so that logs, traces and dumps cannot.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Value) -> None:
        self._value: Value = value

    def reveal(self) -> Value:
        """The plain value. Call it where it is used, and keep the result no longer than that."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")
