"""Sessions as an operator handles them: over the store's file, also while a server runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from gatepass.cli.accounts import utc_now, with_store
from gatepass.cli.operator import operators_occasion
from gatepass.domain.account import Account
from gatepass.domain.audit import AuditEvent, Deed
from gatepass.domain.errors import BadUserInput
from gatepass.domain.identifiers import SessionId
from gatepass.settings import Settings
from gatepass.usecases.find_account import find_account
from gatepass.usecases.ports import ListedSession, Store

PAGE: Final = 500


def living(settings: Settings, email: str | None) -> Iterator[ListedSession]:
    """
    Every living session, or those of one account, newest first, read page by page.

    Raises:
        BadUserInput: there is no such account.
    """

    async def deed(store: Store) -> list[ListedSession]:
        account = (await find_account(store.accounts, email)).account.id if email is not None else None
        now = utc_now()
        idle_since = now - timedelta(seconds=settings.session_idle_seconds)
        found: list[ListedSession] = []
        after: SessionId | None = None
        while page := await store.sessions.page(account, after, PAGE, now=now, idle_since=idle_since):
            found.extend(page)
            after = page[-1].session.id
        return found

    return iter(with_store(settings, deed))


def revoke(settings: Settings, session: SessionId) -> None:
    """
    End one session.

    Raises:
        BadUserInput: there is none, or it has ended already.
    """
    if not with_store(settings, lambda store: store.sessions.revoke(session, utc_now())):
        raise BadUserInput(f"There is no living session {session}: see 'gatepass session list'.")


def sign_out(settings: Settings, email: str) -> int:
    """
    End every session of an account; how many.

    Raises:
        BadUserInput: there is no such account.
    """

    async def deed(store: Store) -> int:
        account = (await find_account(store.accounts, email)).account
        return await store.sessions.revoke_all(account.id, utc_now())

    return with_store(settings, deed)


def revoke_all(settings: Settings) -> tuple[int, int]:
    """
    End every session of everybody, account by account; how many sessions, of how many accounts.

    Each account's end is a commit of its own, so that a server beside it goes on writing, and what was done until an
    interruption stays done.
    """

    async def deed(store: Store) -> tuple[int, int]:
        ended = accounts = 0
        last: Account | None = None
        while page := await store.accounts.page(last.email if last else None, PAGE):
            for last in page:
                count = await store.sessions.revoke_all(last.id, utc_now())
                ended += count
                accounts += bool(count)
        detail = f"everybody: sessions ended: {ended}"
        event = AuditEvent(Deed.SIGN_OUT_EVERYWHERE, utc_now(), operators_occasion(), detail=detail)
        await store.audit.record(event)
        return ended, accounts

    return with_store(settings, deed)
