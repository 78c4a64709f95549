"""How often a benchmark measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

Side = TypeVar("Side")

_LEAST_ROUNDS: Final = 2


@dataclass(frozen=True)
class Pace:
    """`share` of the rounds that a benchmark asks for."""

    share: float

    def rounds(self, wanted: int) -> int:
        """So many are measured."""
        return max(round(wanted * self.share), _LEAST_ROUNDS)

    def turns(self, sides: Sequence[Side], rounds: int) -> Iterator[Side]:
        """
        Every side once a round, every other round backwards.

        Whatever else the machine does, and however its speed drifts, then meets all sides alike. So many short rounds
        are better than few long ones.
        """
        for number in range(self.rounds(rounds)):
            yield from sides if number % 2 == 0 else reversed(sides)


FULL: Final = Pace(1.0)
QUICK: Final = Pace(0.2)
