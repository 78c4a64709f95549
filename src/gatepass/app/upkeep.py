"""What is done again and again beside the requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

from gatepass.app.values import audit_seals, session_limits
from gatepass.crypto.keyring import Keyring
from gatepass.domain.access_token import MAX_ACCESS_TTL, MAX_LEEWAY
from gatepass.domain.key_schedule import Activate, Publish, Remove, Step
from gatepass.settings import Settings
from gatepass.usecases.keep_audit import MOST_AT_ONCE, KeepAudit
from gatepass.usecases.ports import Clock, Store
from gatepass.usecases.rotate_keys import RotateKeys

SWEEP_SECONDS = 60.0
SWEEP_ROWS = 500
AUDIT_SECONDS = 5.0

_log = logging.getLogger("gatepass")


def audit_keeper(settings: Settings, store: Store, clock: Clock) -> Callable[[], Awaitable[None]]:
    """Seals what was written to the audit log, and deletes what is older than it is kept."""
    days = settings.audit_retention_days
    keep = KeepAudit(store.audit, audit_seals(settings), clock, timedelta(days=days) if days else None)

    async def keep_audit() -> None:
        while await keep() == MOST_AT_ONCE:
            continue

    return keep_audit


def sweeper(store: Store, settings: Settings, clock: Clock) -> Callable[[], Awaitable[None]]:
    """Deletes what has ended, in small batches."""
    limits = session_limits(settings)

    async def sweep() -> None:
        # While an access token of a session can live, its row must stay: signing out needs it.
        ended, swept = clock() - MAX_ACCESS_TTL - MAX_LEEWAY, SWEEP_ROWS
        while swept == SWEEP_ROWS:
            swept = await store.sessions.sweep(ended, ended - limits.idle, SWEEP_ROWS)
        for kept in (store.authorization_codes, store.device_codes, store.client_assertions):
            while await kept.sweep(ended, SWEEP_ROWS) == SWEEP_ROWS:
                pass
        while await store.counters.sweep(clock(), settings.throttle_max_counters, SWEEP_ROWS) == SWEEP_ROWS:
            pass

    return sweep


def key_keeper(rotate: RotateKeys, keyring: Keyring) -> Callable[[], Awaitable[None]]:
    """Rotates the keys when it is time, and learns what other processes rotated."""

    async def keep() -> None:
        for step in await rotate():
            _log.info("key rotation", extra=_step_fields(step))
        await keyring.reload()

    return keep


def _step_fields(step: Step) -> Mapping[str, str]:
    match step:
        case Publish(use):
            return {"step": "published", "use": use}
        case Activate(following, active):
            return {"step": "activated", "use": following.use, "key": following.id, "retiring": active.id}
        case Remove(key):
            return {"step": "removed", "use": key.use, "key": key.id}


@asynccontextmanager
async def repeating(
    job: Callable[[], Awaitable[None]], seconds: float, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[None]:
    """
    Do `job` again and again beside the body. A failure is logged once until it has succeeded again.

    `pause` waits between two, for up to so many seconds.
    """

    async def repeat() -> None:
        failing = False
        while True:
            await pause(seconds)
            try:
                await job()
                failing = False
            except Exception as error:  # a loop that ended would leave revocations unknown until the next start
                if not failing:
                    _log.error("a background job fails", exc_info=error)
                failing = True

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
