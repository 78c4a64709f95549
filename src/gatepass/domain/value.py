"""Frozen values that are made several times a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

__all__ = ["value"]

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:

    def value(*, frozen: bool, slots: bool) -> Any:
        """
        `dataclass(frozen=True, slots=True)` for whoever checks types; at run time nothing hinders an assignment.

        Hindering it makes each field go through `object.__setattr__`: a session costs five times as much to make. The
        other values are frozen in earnest.
        """
        return dataclass(slots=slots, unsafe_hash=frozen)
