"""Counters of attempts, as they are kept: shared by every process and door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from gatepass.domain.attempts import Counter, CounterKey, Decision, Standing
from gatepass.domain.audit import Note

Outcome = TypeVar("Outcome")


class Counters(Protocol):
    """Counters by what they have in common. A change is grouped with whatever waits beside it into one commit."""

    async def change(
        self,
        keys: Sequence[CounterKey],
        rule: Callable[[Standing], Decision[Outcome]],
        *,
        note: Note[Outcome] | None = None,
        delayed: bool = False,
    ) -> Outcome:
        """
        Read the counters of these keys, ask the rule, and write what it decides, all in one.

        Args:
            rule: pure and quick; may be asked again when a counter changed under it. It writes to no other key.
            delayed: every process sees the counters at once, but if the machine fails they may be lost, unless
                something was noted of them or anything written later was durable.

        Returns:
            The rule's outcome, once its counters are durable or `delayed`.
        """
        ...

    async def page(
        self, after: CounterKey | None, limit: int, *, owner: bytes | None = None
    ) -> Sequence[tuple[CounterKey, Counter]]:
        """
        Up to `limit` counters in the order of owner, kind and subject, those after `after`.

        Args:
            owner: of this account's name only.
        """
        ...

    async def sweep(self, now: datetime, most: int, limit: int) -> int:
        """
        Delete up to `limit` counters that are to be forgotten at `now`, and what is above `most` of the others.

        Those with the fewest failures go first, then those that would be forgotten first. So inventing names does not
        push out the counter of an account that is under attack: each of them would need as many failures.
        """
        ...
