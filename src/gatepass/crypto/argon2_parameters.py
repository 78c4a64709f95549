"""Argon2 parameters: the live ones, and which stored ones may be executed at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

OWASP_MEMORY_KIB: Final = 19_456
OWASP_PASSES: Final = 2

MAX_MEMORY_KIB: Final = 1024 * 1024
MAX_LANES: Final = 16
# Together with MAX_MEMORY_KIB this is libsodium's SENSITIVE preset, the dearest that any importer should meet.
MAX_MEMORY_KIB_TIMES_PASSES: Final = 4 * MAX_MEMORY_KIB

_MIN_MEMORY_KIB_PER_LANE: Final = 8
_PHC: Final = re.compile(
    r"\$(?P<kind>argon2id?)\$v=19\$m=(?P<memory>[1-9][0-9]{0,9}),t=(?P<passes>[1-9][0-9]{0,9}),p=(?P<lanes>[1-9][0-9]{0,2})"
    r"\$[A-Za-z0-9+/]{11,64}\$[A-Za-z0-9+/]{22,86}"
)


@dataclass(frozen=True, slots=True)
class Argon2Parameters:
    """
    What an Argon2id hash costs. One lane, always: libsodium computes lanes one after the other.

    Args:
        memory_kib: memory of one hash.
        passes: how often that memory is gone through.

    Raises:
        ValueError: below what Argon2 allows, or above what a stored hash may ask for.

    Source: OWASP Password Storage Cheat Sheet (the defaults), RFC 9106 §3.1.
    """

    memory_kib: int = OWASP_MEMORY_KIB
    passes: int = OWASP_PASSES

    def __post_init__(self) -> None:
        if not _is_bounded(self.memory_kib, self.passes, lanes=1):
            raise ValueError(
                f"Argon2 memory must be {_MIN_MEMORY_KIB_PER_LANE} to {MAX_MEMORY_KIB} KiB, passes at least 1, and "
                f"their product at most {MAX_MEMORY_KIB_TIMES_PASSES}; got {self.memory_kib} KiB and {self.passes}"
            )

    def made(self, password_hash: str) -> bool:
        """Whether a PHC string has exactly these parameters, in the form that the live hasher writes."""
        return password_hash.startswith(f"$argon2id$v=19$m={self.memory_kib},t={self.passes},p=1$")


def is_executable(password_hash: str) -> bool:
    """
    Whether a stored hash is an Argon2id or Argon2i PHC string (version 19) whose cost is bounded.

    False for Argon2d, version 16, and for more memory or passes than this server will ever spend: a row that asks
    for 4 GiB must not take the machine down.

    Source: the PHC string format; RFC 9106 §3.1.
    """
    found = _PHC.fullmatch(password_hash)
    return found is not None and _is_bounded(int(found["memory"]), int(found["passes"]), lanes=int(found["lanes"]))


def _is_bounded(memory_kib: int, passes: int, *, lanes: int) -> bool:
    return (
        1 <= lanes <= MAX_LANES
        and _MIN_MEMORY_KIB_PER_LANE * lanes <= memory_kib <= MAX_MEMORY_KIB
        and passes >= 1
        and memory_kib * passes <= MAX_MEMORY_KIB_TIMES_PASSES
    )
