"""The audit log, as it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatepass.domain.account import EmailAddress
from gatepass.domain.audit import AuditEvent, Deed, Link, Seal
from gatepass.domain.identifiers import AccountId


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry with its place in the chain, as the store has it."""

    link: Link
    event: AuditEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """
    Which entries.

    Args:
        after: those with a greater number. Only this and `limit` count where the chain is walked.
        newest_first: else oldest first.
        since: those noted at that time or later.
        account: those about it, by its id or by its address at that time.
        deed: those of one kind.
    """

    limit: int
    after: int = 0
    before: int | None = None
    newest_first: bool = False
    since: datetime | None = None
    account: AccountId | EmailAddress | None = None
    deed: Deed | None = None


class Seals(Protocol):
    """Who can say for how far a chain was whole: whoever has the secret key."""

    def seal(self, start: Link, end: Link) -> Seal:
        """That the chain goes from `start` to `end`, now."""
        ...

    def is_good(self, seal: Seal) -> bool:
        """Whether it was made with the present secret key or the previous one."""
        ...

    def is_current(self, seal: Seal) -> bool:
        """Whether it was made with the present secret key."""
        ...


class AuditTrail(Protocol):
    """
    Entries that are only ever added; those that come with a deed are written by the method of that deed.

    Numbers have no gaps, whatever is rolled back or run again, in however many processes.
    """

    async def record(self, event: AuditEvent) -> None:
        """Note what changed nothing else: a refusal."""
        ...

    async def page(self, query: AuditQuery) -> Sequence[AuditEntry]:
        """Up to `limit` entries."""
        ...

    async def ends(self) -> tuple[Seal | None, Link]:
        """The seal, None before the first; and the last entry, or what stands for it where there is none."""
        ...

    async def replace_seal(self, was: Seal | None, seal: Seal) -> bool:
        """
        Put another seal in place of `was`, and delete the entries up to its `start`.

        Returns:
            False: another process was quicker, or the chain has no such end; nothing was written.
        """
        ...
