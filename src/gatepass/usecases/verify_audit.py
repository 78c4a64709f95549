"""Whether the audit log is whole: what was edited, removed or reordered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from gatepass.domain.audit import ORIGIN, Link, Seal, following
from gatepass.domain.errors import StoreUnavailable
from gatepass.usecases.ports import AuditEntry, AuditQuery, AuditTrail, Seals

PAGE: Final = 500
MAX_FINDINGS: Final = 100


@dataclass(frozen=True, slots=True)
class Verified:
    """
    What was found.

    entries: how many there are. end: the last one; to be kept elsewhere, and compared next time.
    seal: as far as nothing can have been changed without the secret key; None where there is none.
    findings: what is wrong, in words; empty where the log is whole.
    """

    entries: int
    end: Link
    seal: Seal | None
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifyAudit:
    """
    Walks the chain from its start to its end, and holds it against the seal.

    It finds every entry that was changed, removed or moved. Of entries after the seal, the last seconds, it finds that
    only if whoever did it did not make the chain anew from there on. It cannot find that a whole store was put back as
    it was once: for that, compare with an `expected` entry that was noted elsewhere.
    """

    trail: AuditTrail
    seals: Seals

    async def __call__(self, expected: Link | None = None) -> Verified:
        """
        What the log is worth.

        Args:
            expected: an entry as it was noted elsewhere; by its number and digest.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        seal, _ = await self.trail.ends()
        walk = _Walk(ORIGIN if seal is None else seal.start)
        watched = [link for link in (seal.end if seal else None, expected) if link is not None]
        seen: dict[int, bytes] = {}
        try:
            async for entry in self._entries():
                walk.take(entry)
                if any(entry.link.number == link.number for link in watched):
                    seen[entry.link.number] = entry.link.digest
        except StoreUnavailable as damaged:
            walk.findings.append(str(damaged))
        if seal is not None:
            walk.findings += self._against_seal(seal, walk, seen)
        if expected is not None:
            walk.findings += _against_expected(expected, walk, seen)
        return Verified(walk.entries, walk.link, seal, tuple(walk.findings[:MAX_FINDINGS]))

    def _against_seal(self, seal: Seal, walk: _Walk, seen: dict[int, bytes]) -> list[str]:
        if not self.seals.is_good(seal):
            return ["the seal was not made with this secret key: the log was made anew, or the secret key is another"]
        if walk.link.number < seal.end.number:
            return [_missing(walk.link.number + 1, seal.end.number)]
        if seal.end not in (ORIGIN, seal.start) and seen.get(seal.end.number) != seal.end.digest:
            return [f"up to entry {seal.end.number} the log is not the one that was sealed: it was made anew"]
        return []

    async def _entries(self) -> AsyncIterator[AuditEntry]:
        number = -(2**62)  # an entry that was smuggled in before the first one is one of them
        while page := await self.trail.page(AuditQuery(limit=PAGE, after=number)):
            for entry in page:
                yield entry
            number = page[-1].link.number


class _Walk:
    """Goes on after a break as if it were none, so that each break is found by itself."""

    def __init__(self, start: Link) -> None:
        self.link = start
        self.entries = 0
        self.findings: list[str] = []

    def take(self, entry: AuditEntry) -> None:
        number, due = entry.link.number, self.link.number + 1
        self.entries += 1
        if number < due:
            self.findings.append(f"entry {number} stands before the first one")
            return
        if number > due:
            self.findings.append(_missing(due, number - 1))
        elif following(self.link, entry.event) != entry.link:
            self.findings.append(f"entry {number} was changed, or moved, or the one before it was")
        self.link = entry.link


def _missing(first: int, last: int) -> str:
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"


def _against_expected(expected: Link, walk: _Walk, seen: dict[int, bytes]) -> list[str]:
    digest = seen.get(expected.number)
    if digest == expected.digest:
        return []
    if digest is not None:
        return [f"entry {expected.number} is another one than the one expected"]
    if expected.number > walk.link.number:
        return [f"the log ends with entry {walk.link.number}, before the one expected: it was cut off or put back"]
    return [f"entry {expected.number}, which is expected, was deleted for its age: expect a newer one"]
