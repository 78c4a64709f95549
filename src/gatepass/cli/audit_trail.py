"""The audit log as an operator reads it: over the store, also while servers run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from gatepass.app.values import audit_seals
from gatepass.cli.accounts import utc_now, with_store
from gatepass.cli.operator import operators_occasion
from gatepass.domain.account import email_address
from gatepass.domain.audit import ORIGIN, AuditEvent, Deed, Link
from gatepass.domain.errors import BadUserInput
from gatepass.domain.identifiers import AccountId
from gatepass.settings import Settings
from gatepass.usecases.keep_audit import KeepAudit
from gatepass.usecases.ports import AuditEntry, AuditQuery, Store
from gatepass.usecases.verify_audit import Verified, VerifyAudit

PAGE: Final = 500
POLL: Final = timedelta(seconds=1)
Show = Callable[[Sequence[AuditEntry]], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; `account` is an address or an id, as somebody typed it."""

    since: datetime | None = None
    account: str | None = None
    deed: Deed | None = None


def newest(settings: Settings, wanted: Wanted, limit: int) -> Sequence[AuditEntry]:
    """The last entries that are wanted, oldest first."""

    async def deed(store: Store) -> Sequence[AuditEntry]:
        return await _newest(store, await _query(store, wanted), limit)

    return with_store(settings, deed)


def follow(settings: Settings, wanted: Wanted, limit: int, show: Show) -> None:
    """Show the last entries, and then what is added, until somebody interrupts."""

    async def deed(store: Store) -> None:
        query = await _query(store, wanted)
        found = await _newest(store, query, limit)
        last = (await store.audit.ends())[1].number if not found else found[-1].link.number
        while True:
            if found:
                show(found)
                last = found[-1].link.number
            await asyncio.sleep(POLL.total_seconds())
            found = await store.audit.page(replace(query, after=last, limit=PAGE))

    with_store(settings, deed)


def every(settings: Settings, wanted: Wanted, show: Show) -> int:
    """Show all that is wanted, oldest first, page by page; how many that was."""

    async def deed(store: Store) -> int:
        query = await _query(store, wanted)
        count = 0
        while page := await store.audit.page(replace(query, limit=PAGE)):
            show(page)
            count += len(page)
            query = replace(query, after=page[-1].link.number)
        return count

    return with_store(settings, deed)


def verify(settings: Settings, expected: Link | None) -> Verified:
    """Whether the log is whole; see `VerifyAudit`."""
    seals = audit_seals(settings)
    return with_store(settings, lambda store: VerifyAudit(store.audit, seals)(expected))


def seal_anew(settings: Settings, *, drops_broken: bool) -> bool:
    """Seal with the present secret key whatever there is, and note that; see `KeepAudit.seal_anew`."""
    seals = audit_seals(settings)

    async def deed(store: Store) -> bool:
        keep = KeepAudit(store.audit, seals, utc_now, None)
        if not await keep.seal_anew(drops_broken=drops_broken):
            return False
        await store.audit.record(AuditEvent(Deed.AUDIT_SEALED_ANEW, utc_now(), operators_occasion()))
        return True

    return with_store(settings, deed)


async def _newest(store: Store, query: AuditQuery, limit: int) -> Sequence[AuditEntry]:
    found: list[AuditEntry] = []
    while len(found) < limit:
        before = found[-1].link.number if found else None
        ask = replace(query, newest_first=True, before=before, limit=min(PAGE, limit - len(found)))
        page = await store.audit.page(ask)
        if not page:
            break
        found.extend(page)
    return found[::-1]


async def _query(store: Store, wanted: Wanted) -> AuditQuery:
    account = None if wanted.account is None else await _account(store, wanted.account)
    return AuditQuery(limit=PAGE, since=wanted.since, account=account, deed=wanted.deed)


async def _account(store: Store, text: str) -> AccountId:
    """
    Whose entries: by id, by address, or by the address that a removed account had.

    Raises:
        BadUserInput: there is no such account, and no entry about one.
    """
    try:
        return AccountId(UUID(text))
    except ValueError:
        address = email_address(text)
    stored = await store.accounts.find(address)
    if stored is not None:
        return stored.account.id
    for entry in await store.audit.page(AuditQuery(limit=1, newest_first=True, account=address)):
        if entry.event.account is not None:
            return entry.event.account
    raise BadUserInput(f"There is no account {address}, and the audit log has none of it.")


def link_of(text: str) -> Link:
    """
    A link as `audit verify` prints it.

    Raises:
        BadUserInput: not of the form NUMBER:DIGEST.
    """
    number, _, digest = text.partition(":")
    try:
        link = Link(int(number), bytes.fromhex(digest))
    except ValueError:
        link = Link(0, b"")
    if link.number < 1 or len(link.digest) != len(ORIGIN.digest):
        raise BadUserInput("Expected is NUMBER:DIGEST, as 'gatepass audit verify' prints the last entry.")
    return link


def fields(entry: AuditEntry) -> Iterator[tuple[str, object]]:
    """The parts of an entry by their names outside, in the order of the columns of an export."""
    event, occasion = entry.event, entry.event.occasion
    yield "number", entry.link.number
    yield "time", event.at.isoformat(timespec="microseconds")
    yield "event", str(event.deed)
    yield "result", str(event.result)
    yield "reason", None if event.reason is None else str(event.reason)
    yield "account", None if event.account is None else str(event.account)
    yield "email", event.email
    yield "session", None if event.session is None else str(event.session)
    yield "client", event.client_id
    yield "door", str(occasion.door)
    yield "operator", occasion.operator
    yield "address", occasion.origin.address
    yield "user_agent", occasion.origin.user_agent
    yield "request_id", occasion.request_id
    yield "detail", event.detail
    yield "digest", entry.link.digest.hex()
