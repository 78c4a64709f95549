"""Accounts of every kind that cannot be signed in to with a password, which nobody may tell apart."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.identifiers import AccountId
from gatepass.domain.secret import Secret
from gatepass.settings import Settings
from gatepass.stores.opening import open_store
from gatepass.usecases.enable_account import EnableAccount
from tests.kit.world import add_account

TOO_DEAR: Final = Secret("$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43)
"""A hash as an import may bring it: 4 GiB; it is never computed."""
NAMES: Final[Mapping[str, str]] = {
    "wrong password": "ana@example.org",
    "unknown": "who@example.org",
    "disabled": "ben@example.org",
    "without a password": "bot@example.org",
    "with a hash too dear to compute": "old@example.org",
}
"""Of one length: pages say again what was typed."""


async def add_every_kind(settings: Settings, password: str, *, but: str = "") -> None:
    """All of `NAMES` but the unknown one, and one that is there already; who has a password has this one."""
    for kind in {"wrong password", "disabled"} - {but}:
        await add_account(settings, NAMES[kind], password)
    store, now = await open_store(settings.store_url), datetime.now(UTC)
    try:
        await EnableAccount(store.accounts, lambda: now)(NAMES["disabled"], enabled=False)
        for kind, stored in (("without a password", None), ("with a hash too dear to compute", TOO_DEAR)):
            await store.accounts.add(Account(AccountId(uuid.uuid4()), EmailAddress(NAMES[kind]), (), now), stored)
    finally:
        await store.close()
