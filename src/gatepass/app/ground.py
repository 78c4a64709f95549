"""What every door stands on: the store, the keys and the hash workers, and what keeps them in order."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from gatepass.app.passwords import password_pool
from gatepass.app.upkeep import AUDIT_SECONDS, SWEEP_SECONDS, audit_keeper, key_keeper, repeating, sweeper
from gatepass.app.values import key_schedule
from gatepass.crypto.foreign_tokens import ForeignTokens
from gatepass.crypto.issuer_keys import IssuerKeys
from gatepass.crypto.key_maker import KeyMaker
from gatepass.crypto.keyring import Keyring
from gatepass.crypto.password_pool import PasswordPool
from gatepass.crypto.pseudonym import Pseudonyms
from gatepass.crypto.sealing import Sealer
from gatepass.crypto.shared_pool import SharedPool
from gatepass.domain.occasion import Door, Occasion
from gatepass.domain.signing_key import Algorithm
from gatepass.gateway.key_set import read_key_set
from gatepass.settings import Settings
from gatepass.settings.attempts import attempt_limits
from gatepass.stores.opening import open_store
from gatepass.usecases.noted_store import NotedKeys
from gatepass.usecases.ports import Clock, Store
from gatepass.usecases.revoked_sessions import RevokedSessions
from gatepass.usecases.rotate_keys import RotateKeys
from gatepass.usecases.sign_in_attempts import SignInAttempts

FIRST_KEYS_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Ground:
    """Opened by `open_ground`."""

    store: Store
    keyring: Keyring
    passwords: PasswordPool | SharedPool
    revoked: RevokedSessions
    attempts: SignInAttempts
    trusted: ForeignTokens | None
    clock: Clock


async def open_ground(
    settings: Settings, stack: AsyncExitStack, clock: Clock, hash_line: socket.socket | None
) -> Ground:
    """
    Open it, and begin its upkeep; `stack` closes both.

    Args:
        hash_line: as of `password_pool`.

    Raises:
        SettingsError, StoreUnavailable, KeyUnusable, HashingFailed: what was opened before is on the stack.
    """
    sealer = Sealer(settings.require_secret_key(), settings.secret_key_previous)
    passwords = await stack.enter_async_context(password_pool(settings, hash_line))
    store = await open_store(settings.store_url)
    stack.push_async_callback(store.close)
    algorithm = Algorithm(settings.signing_algorithm)
    keys = NotedKeys(store.keys, Occasion(Door.SERVER), clock)
    keyring = await Keyring.open(keys, sealer, clock=clock, algorithm=algorithm)
    revoked = RevokedSessions(store.revocations, clock, timedelta(seconds=settings.revocation_stale_seconds))
    await revoked.refresh()
    attempts = _attempts(settings, store, keyring, clock)
    stack.push_async_callback(attempts.close)
    rotate = RotateKeys(keys, KeyMaker(sealer, algorithm), key_schedule(settings), clock)
    for upkeep in (
        repeating(revoked.refresh, settings.revocation_poll_seconds, store.revocations.news),
        repeating(key_keeper(rotate, keyring), settings.key_poll_seconds),
        repeating(sweeper(store, settings, clock), SWEEP_SECONDS),
        repeating(audit_keeper(settings, store, clock), AUDIT_SECONDS),
    ):
        await stack.enter_async_context(upkeep)
    trusted = await stack.enter_async_context(_trusted_tokens(settings))
    return Ground(store, keyring, passwords, revoked, attempts, trusted, clock)


def _attempts(settings: Settings, store: Store, keyring: Keyring, clock: Clock) -> SignInAttempts:
    return SignInAttempts(
        store.counters,
        attempt_limits(settings),
        clock,
        pseudonym=Pseudonyms(settings.require_secret_key()),
        hint_keys=keyring,
        patience=timedelta(seconds=settings.hash_queue_seconds),
    )


@asynccontextmanager
async def _trusted_tokens(settings: Settings) -> AsyncIterator[ForeignTokens | None]:
    """The trusted issuers with their keys, read at once and on a timer. None of them can keep us from starting."""
    if not settings.trusted_issuers:
        yield None
        return
    issuers = [IssuerKeys(trusted, partial(read_key_set, trusted.jwks)) for trusted in settings.trusted_issuers]
    async with AsyncExitStack() as stack:
        for keys in issuers:
            stack.push_async_callback(keys.close)
            await stack.enter_async_context(repeating(keys.refresh, settings.trusted_keys_refresh_seconds))
        await asyncio.wait([asyncio.create_task(keys.refresh()) for keys in issuers], timeout=FIRST_KEYS_SECONDS)
        yield ForeignTokens(issuers, leeway=timedelta(seconds=settings.leeway_seconds))
