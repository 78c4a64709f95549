"""Sealing, ageing and verifying the audit log: what is found of what somebody with the database could do to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gatepass.crypto.audit_seals import AuditSeals
from gatepass.crypto.sealing import generate_secret_key
from gatepass.domain.audit import ORIGIN, AuditEvent, Deed, Link, following
from gatepass.domain.errors import AuditBroken
from gatepass.domain.occasion import Door, Occasion
from gatepass.stores.opening import open_store
from gatepass.usecases.keep_audit import MOST_AT_ONCE, KeepAudit
from gatepass.usecases.ports import AuditQuery, Store
from gatepass.usecases.verify_audit import Verified, VerifyAudit
from tests.kit.store_of_run import as_blob, execute, is_postgres, store_url
from tests.kit.store_world import DAY, NOW, SECOND

SECRET, OTHER_SECRET = generate_secret_key(), generate_secret_key()
A_MOMENT = "interval '1 microsecond'" if is_postgres() else "1"
NO_DIGEST = as_blob(bytes(32))
EVENT = AuditEvent(Deed.SIGN_IN, NOW, Occasion(Door.GRAPHQL), detail="honest")


@dataclass
class Log:
    """An audit log, with its keeper, its verifier, and a way to it for who has the database."""

    store: Store
    folder: Path
    seals: AuditSeals = field(default_factory=lambda: AuditSeals(SECRET))
    now: datetime = NOW
    retention: timedelta | None = None

    async def notes(self, count: int = 1, at: datetime = NOW) -> None:
        """Entries, one after the other."""
        for _ in range(count):
            await self.store.audit.record(replace(EVENT, at=at))

    async def is_kept(self) -> int:
        """What a server does every few seconds; how many were deleted."""
        return await KeepAudit(self.store.audit, self.seals, lambda: self.now, self.retention)()

    async def is_verified(self, expected: Link | None = None) -> Verified:
        """What `gatepass audit verify` finds."""
        return await VerifyAudit(self.store.audit, self.seals)(expected)

    async def links(self) -> list[Link]:
        """The places of all entries."""
        return [entry.link for entry in await self.store.audit.page(AuditQuery(limit=10_000))]

    def is_attacked(self, *statements: str) -> None:
        """Done to the database by somebody who can write to it."""
        execute(self.folder, *statements)

    def is_cut_after(self, number: int) -> None:
        """As if nothing had come after that entry; PostgreSQL's store has a row that says where the end is."""
        left = f"SELECT number, digest FROM audit_entries WHERE number = {number}"
        end = f"UPDATE audit_last SET (number, digest) = ({left})"
        self.is_attacked(f"DELETE FROM audit_entries WHERE number > {number}", *([end] if is_postgres() else []))

    async def is_made_anew(self, detail: str) -> None:
        """The chain with another detail in the second entry, every digest computed again: no key is needed for that."""
        link, statements = ORIGIN, [f"UPDATE audit_entries SET detail = '{detail}' WHERE number = 2"]
        for number in range(1, len(await self.links()) + 1):
            link = following(link, replace(EVENT, detail=detail if number == 2 else EVENT.detail))
            statements.append(f"UPDATE audit_entries SET digest = {as_blob(link.digest)} WHERE number = {number}")
        self.is_attacked(*statements)


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    """Yield a log without entries."""
    store = await open_store(store_url(tmp_path))
    yield Log(store, tmp_path)
    await store.close()


# -- whole ------------------------------------------------------------------------------------------------------------


async def test_a_log_that_nobody_touched_is_whole(log: Log) -> None:
    """Empty, not sealed, sealed, and gone on after that."""
    assert (await log.is_verified()).findings == ()
    await log.notes(3)
    assert (await log.is_verified()).findings == ()
    await log.is_kept()
    verified = await log.is_verified()
    assert verified.seal is not None
    assert (verified.entries, verified.seal.end, verified.findings) == (3, verified.end, ())
    await log.notes(2)
    verified = await log.is_verified()
    assert verified.seal is not None
    assert (verified.entries, verified.seal.end.number, verified.findings) == (5, 3, ())


async def test_ageing_does_not_break_it(log: Log) -> None:
    """The oldest go, all go, and new ones come."""
    await log.notes(3, NOW)
    await log.notes(2, NOW + 20 * DAY)
    log.retention, log.now = 30 * DAY, NOW + 29 * DAY
    assert await log.is_kept() == 0
    log.now = NOW + 31 * DAY
    assert await log.is_kept() == 3
    assert ((await log.is_verified()).entries, (await log.is_verified()).findings) == (2, ())
    log.now = NOW + 60 * DAY
    assert await log.is_kept() == 2
    assert await log.is_kept() == 0
    assert ((await log.is_verified()).entries, (await log.is_verified()).findings) == (0, ())
    await log.notes(1, log.now)
    assert await log.is_kept() == 0
    assert ((await log.is_verified()).entries, (await log.is_verified()).findings) == (1, ())
    assert [link.number for link in await log.links()] == [6]


async def test_what_is_not_old_enough_holds_back_what_comes_after_it(log: Log) -> None:
    """A clock that jumped may leave older entries behind newer ones; the chain has no holes all the same."""
    await log.notes(1, NOW + 40 * DAY)
    await log.notes(1, NOW)
    log.retention, log.now = 30 * DAY, NOW + 50 * DAY
    assert await log.is_kept() == 0
    assert [link.number for link in await log.links()] == [1, 2]


async def test_a_long_log_is_sealed_and_aged_in_small_steps(log: Log) -> None:
    """Each step is bounded, and the next one goes on."""
    await log.notes(600)
    log.retention, log.now = DAY, NOW + 2 * DAY
    assert await log.is_kept() == 600 < MOST_AT_ONCE
    assert (await log.is_verified()).findings == ()


# -- attacked ---------------------------------------------------------------------------------------------------------

ATTACKS = {
    "edited": ("UPDATE audit_entries SET detail = 'forged' WHERE number = 3", ["entry 3 was changed"]),
    "edited time": (f"UPDATE audit_entries SET at = at + {A_MOMENT} WHERE number = 3", ["entry 3 was changed"]),
    "edited to a word that there is not": ("UPDATE audit_entries SET deed = 'x' WHERE number = 3", ["entry 3 was"]),
    "edited digest": (
        f"UPDATE audit_entries SET digest = {NO_DIGEST} WHERE number = 3",
        ["entry 3 was changed", "entry 4 was changed"],
    ),
    "removed": ("DELETE FROM audit_entries WHERE number = 3", ["entry 3 is missing"]),
    "two removed": ("DELETE FROM audit_entries WHERE number IN (3, 4)", ["entries 3 to 4 are missing"]),
    "removed at the start": ("DELETE FROM audit_entries WHERE number < 3", ["entries 1 to 2 are missing"]),
    "removed at the end": ("DELETE FROM audit_entries WHERE number > 3", ["entries 4 to 6 are missing"]),
    "all removed": ("DELETE FROM audit_entries", ["entries 1 to 6 are missing"]),
    "one before the first": (
        """INSERT INTO audit_entries (number, at, deed, result, door, digest)
        SELECT -5, at, '', '', '', digest FROM audit_entries WHERE number = 1""",
        ["entry -5 stands before the first one"],
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_was_done_to_it_is_found(log: Log, attack: str) -> None:
    """An edited, removed or reordered entry, and a cut end."""
    statement, findings = ATTACKS[attack]
    await log.notes(6)
    await log.is_kept()
    log.is_attacked(statement)
    found = (await log.is_verified()).findings
    assert len(found) >= len(findings)
    for finding, words in zip(found, findings, strict=False):
        assert finding.startswith(words)


@pytest.mark.sqlite_only("PostgreSQL's columns take nothing that is no entry")
async def test_a_damaged_entry_is_found(log: Log) -> None:
    """One that cannot even be read."""
    await log.notes(6)
    log.is_attacked("UPDATE audit_entries SET account_id = x'00' WHERE number = 3")
    assert (await log.is_verified()).findings[0].startswith("Entry 3 of the audit")


async def test_reordered_entries_are_found(log: Log) -> None:
    """Both change places, digests and all."""
    await log.notes(3)
    await log.store.audit.record(replace(EVENT, detail="other"))
    await log.notes(2)
    log.is_attacked(
        "UPDATE audit_entries SET number = 99 WHERE number = 3",
        "UPDATE audit_entries SET number = 3 WHERE number = 4",
        "UPDATE audit_entries SET number = 4 WHERE number = 99",
    )
    assert (await log.is_verified()).findings[0].startswith("entry 3 was changed, or moved")


async def test_a_chain_made_anew_is_found_by_its_seal(log: Log) -> None:
    """Every digest fits; only who has the secret key can make the seal fit as well."""
    await log.notes(4)
    await log.is_kept()
    await log.is_made_anew("forged")
    assert (await log.is_verified()).findings == (
        "up to entry 4 the log is not the one that was sealed: it was made anew",
    )


async def test_a_cut_end_stays_found_when_the_log_goes_on(log: Log) -> None:
    """New entries take the numbers of the removed ones, and cannot take their digests."""
    await log.notes(6)
    await log.is_kept()
    log.is_cut_after(3)
    await log.notes(5, NOW + SECOND)
    assert (await log.is_verified()).findings == (
        "up to entry 6 the log is not the one that was sealed: it was made anew",
    )


@pytest.mark.parametrize("change", [f"mac = {NO_DIGEST}", "start_number = 2", "end_number = 3"])
async def test_a_seal_of_somebody_elses_making_is_found(log: Log, change: str) -> None:
    """Its MAC, what it says of the start, and what it says of the end."""
    await log.notes(4)
    await log.is_kept()
    log.is_attacked(f"UPDATE audit_seal SET {change}")
    assert "the seal was not made with this secret key" in (await log.is_verified()).findings[-1]


BREAKS: dict[str, str | None] = {
    "cut": "DELETE FROM audit_entries WHERE number > 2",
    "made anew": None,
    "another seal": f"UPDATE audit_seal SET mac = {NO_DIGEST}",
    "edited after the seal": "UPDATE audit_entries SET detail = 'x' WHERE number = 6",
}


@pytest.mark.parametrize("how", BREAKS)
async def test_what_was_forged_is_never_sealed_nor_deleted(log: Log, how: str) -> None:
    """The old seal stays as evidence. Fails closed."""
    await log.notes(4)
    await log.is_kept()
    seal, _ = await log.store.audit.ends()
    await log.notes(3)
    statement = BREAKS[how]
    log.is_attacked(statement) if statement else await log.is_made_anew("forged")
    before = await log.links()
    stays, _ = await log.store.audit.ends()
    log.retention, log.now = DAY, NOW + 9 * DAY
    with pytest.raises(AuditBroken):
        await log.is_kept()
    assert (await log.store.audit.ends())[0] == stays
    assert how == "another seal" or stays == seal
    assert await log.links() == before


# -- compared with what was noted elsewhere ---------------------------------------------------------------------------


async def test_a_store_that_was_put_back_is_found_by_what_was_noted_elsewhere(log: Log) -> None:
    """The seal of that time fits too; nothing inside the store can tell."""
    await log.notes(3)
    await log.is_kept()
    then = (await log.is_verified()).end
    assert (await log.is_verified(then)).findings == ()
    later = following(then, EVENT)
    assert "before the one expected" in (await log.is_verified(later)).findings[0]
    await log.notes(1, NOW + SECOND)
    assert (await log.is_verified(later)).findings == ("entry 4 is another one than the one expected",)
    assert (await log.is_verified(then)).findings == ()


async def test_what_was_expected_may_have_been_deleted_for_its_age(log: Log) -> None:
    """Then it says so, and is no proof any more."""
    await log.notes(2)
    then = (await log.is_verified()).end
    log.retention, log.now = DAY, NOW + 9 * DAY
    await log.is_kept()
    await log.notes(1, log.now)
    assert "was deleted for its age" in (await log.is_verified(then)).findings[0]


# -- the secret key ---------------------------------------------------------------------------------------------------


async def test_another_secret_key_takes_over_while_both_are_known(log: Log) -> None:
    """As at `gatepass key reseal`; once the old one is gone, its seal would be worth nothing."""
    await log.notes(2)
    await log.is_kept()
    log.seals = AuditSeals(OTHER_SECRET)
    assert "not made with this secret key" in (await log.is_verified()).findings[0]
    log.seals = AuditSeals(OTHER_SECRET, SECRET)
    assert (await log.is_verified()).findings == ()
    await log.is_kept()
    log.seals = AuditSeals(OTHER_SECRET)
    assert (await log.is_verified()).findings == ()


async def test_a_lost_secret_key_is_no_end_of_it(log: Log) -> None:
    """An operator seals anew what is a whole chain, and nothing else."""
    await log.notes(2)
    await log.is_kept()
    log.seals = AuditSeals(OTHER_SECRET)
    with pytest.raises(AuditBroken):
        await log.is_kept()
    keep = KeepAudit(log.store.audit, log.seals, lambda: NOW, None)
    assert await keep.seal_anew()
    assert (await log.is_verified()).findings == ()


async def test_a_broken_log_goes_on_behind_its_last_break(log: Log) -> None:
    """Only if somebody says so, because what stands before is deleted."""
    await log.notes(5)
    await log.is_kept()
    log.is_attacked("UPDATE audit_entries SET detail = 'x' WHERE number IN (2, 3)")
    keep = KeepAudit(log.store.audit, log.seals, lambda: NOW, None)
    with pytest.raises(AuditBroken):
        await keep.seal_anew()
    assert await keep.seal_anew(drops_broken=True)
    assert [link.number for link in await log.links()] == [4, 5]
    await log.notes(1)
    assert await log.is_kept() == 0
    assert (await log.is_verified()).findings == ()
