"""Keeping the audit log: sealing what was added, and deleting what is older than it has to be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from gatepass.domain.audit import ORIGIN, Link, Seal, following
from gatepass.domain.errors import AuditBroken
from gatepass.usecases.ports import AuditEntry, AuditQuery, AuditTrail, Clock, Seals

PAGE: Final = 500
MOST_AT_ONCE: Final = 5_000
"""Entries that are walked, and that are deleted, in one go; the rest waits for the next."""


@dataclass(frozen=True, slots=True)
class KeepAudit:
    """
    Moves the seal to the end of the chain, and past what is too old. Each process does it every few seconds.

    A seal is moved only over entries that were found to follow each other, so that nobody's changes are sealed. Fails
    closed: where the log is not the one that was sealed, the old seal stays as evidence, and nothing is deleted.

    `retention` of None keeps everything.
    """

    trail: AuditTrail
    seals: Seals
    clock: Clock
    retention: timedelta | None

    async def __call__(self) -> int:
        """
        How many entries were deleted.

        Raises:
            AuditBroken: the log is not the one that was sealed.
        """
        was, last = await self.trail.ends()
        start, end = (ORIGIN, ORIGIN) if was is None else (was.start, was.end)
        if was is not None:
            await self._check(was, last)
        end = await self._walked(end)
        start = await self._aged(start, end)
        if was is not None and (was.start, was.end) == (start, end) and self.seals.is_current(was):
            return 0
        if was is None and end == ORIGIN:
            return 0
        moved = await self.trail.replace_seal(was, self.seals.seal(start, end))
        return start.number - (was.start.number if was is not None else 0) if moved else 0

    async def seal_anew(self, *, drops_broken: bool = False) -> bool:
        """
        Put a seal of the present secret key in place of whatever is there: after that key was lost.

        It vouches for nothing before this moment, but for the chain itself.

        Args:
            drops_broken: delete the last entry that does not follow from the one before, and all before it.

        Raises:
            AuditBroken: not even the chain is whole; nothing was written.
        """
        was, _ = await self.trail.ends()
        start = end = ORIGIN if was is None else was.start
        async for entry in self._entries(start, at_most=None):
            if following(end, entry.event) != entry.link:
                if not drops_broken:
                    raise _broken(entry)
                start = entry.link
            end = entry.link
        return await self.trail.replace_seal(was, self.seals.seal(start, end))

    async def _check(self, was: Seal, last: Link) -> None:
        if not self.seals.is_good(was):
            raise AuditBroken("The audit log's seal was not made with this secret key.")
        if was.end in (last, was.start):
            return
        found = await self.trail.page(AuditQuery(limit=1, after=was.end.number - 1))
        # A process that was quicker may have deleted it meanwhile for its age, and then the seal is another one.
        if [entry.link for entry in found] != [was.end] and (await self.trail.ends())[0] == was:
            raise AuditBroken(f"The audit log does not go through entry {was.end.number} as it was sealed.")

    async def _walked(self, end: Link) -> Link:
        """The last entry that follows from `end` without a break."""
        async for entry in self._entries(end):
            if following(end, entry.event) != entry.link:
                raise _broken(entry)
            end = entry.link
        return end

    async def _aged(self, start: Link, end: Link) -> Link:
        """The last of the entries that are too old, as far as the chain is whole and sealed."""
        if self.retention is None:
            return start
        oldest = self.clock() - self.retention
        async for entry in self._entries(start):
            if entry.event.at >= oldest or entry.link.number > end.number:
                break
            if following(start, entry.event) != entry.link:
                raise _broken(entry)
            start = entry.link
        return start

    async def _entries(self, after: Link, at_most: int | None = MOST_AT_ONCE) -> AsyncIterator[AuditEntry]:
        number, count = after.number, 0
        while at_most is None or count < at_most:
            page = await self.trail.page(AuditQuery(limit=PAGE, after=number))
            for entry in page:
                yield entry
            if len(page) < PAGE:
                return
            number = page[-1].link.number
            count += len(page)


def _broken(entry: AuditEntry) -> AuditBroken:
    return AuditBroken(f"Entry {entry.link.number} of the audit log does not follow from the one before.")
