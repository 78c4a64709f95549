"""Rows to domain values and back. Times travel as aware datetimes, identifiers as UUIDs: asyncpg does both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from gatepass.domain.account import Account, EmailAddress, Scope
from gatepass.domain.identifiers import EPOCH, AccountId, Generation, SessionId
from gatepass.domain.session import Session

_UNHOLDABLE: Final = re.compile("[\x00\ud800-\udfff]")
ACCOUNT: Final = "a.id, a.email, a.scopes, a.created_at, a.disabled_at"
"""The columns that `account` takes, in its order."""

NOBODY: Final = (UUID(int=0), "nobody@invalid", "", EPOCH, None, "")
"""Of no account: those columns, and the password's hash."""

SESSION: Final = (
    "s.id, s.client_id, s.salt, s.generation, s.opened_at, s.rotated_at, s.ends_at, s.revoked_at, s.scopes, "
    "a.id, a.email, a.scopes, a.created_at, a.disabled_at"
)
"""The columns that `session` takes, in its order: its own, then its account's."""


def is_text(value: str) -> bool:
    """Whether PostgreSQL can hold it; what it cannot hold is not there."""
    return not _UNHOLDABLE.search(value)


def scopes_text(scopes: Sequence[Scope]) -> str:
    """Scopes as RFC 6749 §3.3 writes them: no scope has a space."""
    return " ".join(scopes)


def scopes_or_none(scopes: Sequence[Scope] | None) -> str | None:
    """What a client was given; None, and an empty column, for all that the account has."""
    return None if scopes is None else scopes_text(scopes)


def given_scopes(stored: str | None) -> tuple[Scope, ...] | None:
    """As `scopes_or_none` wrote it."""
    return None if stored is None else tuple(map(Scope, stored.split()))


@lru_cache(maxsize=1024)
def account(row: tuple[Any, ...]) -> Account:
    """
    The account in the columns `ACCOUNT`.

    The whole row is the key of the cache, so that what it remembers is never stale.
    """
    account_id, email, scopes, created_at, disabled_at = row
    return Account(AccountId(account_id), EmailAddress(email), tuple(scopes.split()), created_at, disabled_at)


def session(row: Sequence[Any]) -> Session:
    """The session in the columns `SESSION`."""
    session_id, client_id, salt, generation, opened_at, rotated_at, ends_at, revoked_at, granted = row[:9]
    return Session(
        SessionId(session_id),
        account(tuple(row[9:])),
        client_id,
        salt,
        Generation(generation),
        opened_at,
        rotated_at,
        ends_at,
        revoked_at,
        given_scopes(granted),
    )
