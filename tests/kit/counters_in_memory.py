"""Counters of attempts in a dictionary: what the port promises, and nothing of a database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from gatepass.domain.attempts import Counter, CounterKey, Decision, Standing
from gatepass.domain.audit import AuditEvent, Note

Outcome = TypeVar("Outcome")


class CountersInMemory:
    """The port `Counters`."""

    def __init__(self) -> None:
        self.kept: dict[CounterKey, Counter] = {}
        self.noted: list[AuditEvent] = []

    async def change(
        self,
        keys: Sequence[CounterKey],
        rule: Callable[[Standing], Decision[Outcome]],
        *,
        note: Note[Outcome] | None = None,
        delayed: bool = False,
    ) -> Outcome:
        """Ask the rule, and write what it decides and what is to be noted of it."""
        decision = rule({key: self.kept[key] for key in keys if key in self.kept})
        for key, counter in decision.counters.items():
            if counter is None:
                self.kept.pop(key, None)
            else:
                self.kept[key] = counter
        event = note(decision.outcome) if note is not None else None
        self.noted += [event] if event is not None else []
        return decision.outcome

    async def page(
        self, after: CounterKey | None, limit: int, *, owner: bytes | None = None
    ) -> Sequence[tuple[CounterKey, Counter]]:
        """In the order of owner, kind and subject."""
        start = ("", "", "") if after is None else (after.owner.hex(), after.kind, after.subject)
        found = sorted((key.owner.hex(), key.kind, key.subject) for key in self.kept if owner in (None, key.owner))
        keys = [CounterKey(kind, bytes.fromhex(whose), subject) for whose, kind, subject in found]
        later = [key for key in keys if after is None or (key.owner.hex(), key.kind, key.subject) > start]
        return [(key, self.kept[key]) for key in later[:limit]]

    async def sweep(self, now: datetime, most: int, limit: int) -> int:
        """Delete what is to be forgotten, then what is too much."""
        gone = [key for key, counter in self.kept.items() if counter.forget_at <= now]
        if not gone:
            least = sorted(self.kept, key=lambda key: (self.kept[key].failures, self.kept[key].forget_at))
            gone = least[: max(len(least) - most, 0)]
        for key in gone[:limit]:
            del self.kept[key]
        return len(gone[:limit])
