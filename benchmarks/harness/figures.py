"""Medians of rounds, and ratios of two sides that were measured in the same rounds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A median with the least and the most of its rounds."""

    value: float
    least: float
    most: float

    @classmethod
    def of(cls, rounds: Iterable[float]) -> Figure:
        """The figure of at least one round."""
        ordered = sorted(rounds)
        return cls(statistics.median(ordered), ordered[0], ordered[-1])


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """
    The median of the ratios of each round.

    Not the ratio of two medians: those may come from rounds in which the machine was differently fast.
    """
    return Figure.of(a / b for a, b in zip(ours, theirs, strict=True))
