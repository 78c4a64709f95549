"""Many people with accounts, enrolled past the server."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from gatepass.domain.account import Account, email_address
from gatepass.domain.identifiers import AccountId
from gatepass.stores.opening import open_store
from tests.kit.world import cheap_hash


async def enrolled(url: str, count: int, password: str) -> Sequence[Account]:
    """That many, all with this password."""
    store, password_hash = await open_store(url), cheap_hash(password)
    accounts = [
        Account(AccountId(uuid.uuid4()), email_address(f"person{number}@example.org"), (), datetime.now(UTC))
        for number in range(count)
    ]
    try:
        await asyncio.gather(*(store.accounts.add(account, password_hash) for account in accounts))
    finally:
        await store.close()
    return accounts
