"""Accounts as an operator handles them: a use case over the store's file, also while a server runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from gatepass.cli.operator import operators_occasion
from gatepass.crypto.argon2_parameters import Argon2Parameters
from gatepass.crypto.password_pool import PasswordPool
from gatepass.domain.account import Account, email_address, scopes
from gatepass.domain.errors import BadUserInput, GatepassError
from gatepass.domain.secret import Secret
from gatepass.settings import Settings
from gatepass.stores.opening import open_store
from gatepass.usecases.add_account import AddAccount
from gatepass.usecases.change_password import ChangePassword
from gatepass.usecases.enable_account import EnableAccount
from gatepass.usecases.find_account import find_account
from gatepass.usecases.noted_store import NotedStore
from gatepass.usecases.ports import Store
from gatepass.usecases.remove_account import RemoveAccount

PAGE: Final = 500
R = TypeVar("R")


class NoStoreError(GatepassError):
    """There is no store yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"there is no store at {path}: run 'gatepass init', or say where it is with --data-dir")


def check_store_is_there(settings: Settings) -> None:
    """
    Refuse to make an empty SQLite file where there should be one; a server says itself what is missing.

    Raises:
        NoStoreError: there is none.
    """
    path = settings.database_path
    if path is not None and not path.is_file():
        raise NoStoreError(path)


def check_new(settings: Settings, email: str, granted: Sequence[str]) -> None:
    """
    Refuse what could not be added anyway, before anybody types a password.

    Raises:
        BadUserInput: the address or a scope cannot be used, or the address is taken.
    """
    address = email_address(email)
    scopes(tuple(granted))
    if with_store(settings, lambda store: store.accounts.find(address)) is not None:
        raise BadUserInput(f"There is an account {address} already.")


def find(settings: Settings, email: str) -> Account:
    """
    The account.

    Raises:
        BadUserInput: there is none.
    """
    return with_store(settings, lambda store: find_account(store.accounts, email)).account


def add(settings: Settings, email: str, plain: Secret[str], granted: Sequence[str]) -> Account:
    """Add an account; see `AddAccount`."""
    return with_store(settings, lambda store: add_all(settings, store, [(email, plain, granted)]))[0]


async def add_all(
    settings: Settings, store: Store, wanted: Iterable[tuple[str, Secret[str], Sequence[str]]]
) -> list[Account]:
    """Add accounts to an open store: address, password, scopes of each."""
    async with _passwords(settings) as passwords:
        add_account = AddAccount(store.accounts, passwords, utc_now, os.urandom)
        return [await add_account(*each) for each in wanted]


def change_password(settings: Settings, email: str, plain: Secret[str]) -> None:
    """Change a password; see `ChangePassword`."""

    async def deed(store: Store) -> None:
        async with _passwords(settings) as passwords:
            await ChangePassword(store.accounts, passwords, utc_now)(email, plain)

    with_store(settings, deed)


def enable(settings: Settings, email: str, *, enabled: bool) -> None:
    """Enable or disable; see `EnableAccount`."""
    with_store(settings, lambda store: EnableAccount(store.accounts, utc_now)(email, enabled=enabled))


def remove(settings: Settings, email: str) -> None:
    """Remove; see `RemoveAccount`."""
    with_store(settings, lambda store: RemoveAccount(store.accounts, utc_now)(email))


def everyone(settings: Settings) -> Iterator[Account]:
    """Every account in the order of the addresses, read page by page."""

    async def deed(store: Store) -> list[Account]:
        found: list[Account] = []
        while page := await store.accounts.page(found[-1].email if found else None, PAGE):
            found.extend(page)
        return found

    return iter(with_store(settings, deed))


def utc_now() -> datetime:
    """The clock of the command line."""
    return datetime.now(UTC)


def with_store(settings: Settings, deed: Callable[[Store], Awaitable[R]]) -> R:
    """
    Do something with the store, noted as this operator's doing, and close it.

    Raises:
        NoStoreError: there is none.
    """
    check_store_is_there(settings)

    async def do() -> R:
        store = await open_store(settings.store_url)
        try:
            return await deed(NotedStore(store, operators_occasion(), utc_now))
        finally:
            await store.close()

    return asyncio.run(do())


@asynccontextmanager
async def _passwords(settings: Settings) -> AsyncIterator[PasswordPool]:
    pool = PasswordPool(Argon2Parameters(settings.argon2_memory_kib, settings.argon2_iterations), workers=1)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close()
