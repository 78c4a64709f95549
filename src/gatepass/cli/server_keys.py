"""The server's keys as an operator handles them: a use case over the store's file, also while servers run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gatepass.app.values import key_schedule
from gatepass.cli.accounts import utc_now, with_store
from gatepass.crypto.key_maker import KeyMaker
from gatepass.crypto.sealing import Sealer, generate_secret_key
from gatepass.domain.errors import GatepassError
from gatepass.domain.key_schedule import KeySchedule
from gatepass.domain.signing_key import Algorithm, KeyState, KeyUse, SealedKey
from gatepass.settings import Settings
from gatepass.settings.sources import PREVIOUS_SECRET_KEY_NAME, SECRET_KEY_NAME
from gatepass.usecases.begin_rotation import BeginRotation
from gatepass.usecases.ports import Store
from gatepass.usecases.reseal_keys import ResealKeys
from gatepass.usecases.retire_key import Retired, RetireKey, named
from gatepass.usecases.rotate_at_once import RotateAtOnce

_POLLS: Final = 4
_MORE_SECONDS: Final = 1.0


class SecretKeyElsewhereError(GatepassError):
    """The secret key is not a file that this command may replace; nothing was written."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A key, and when it leaves its state; None: when somebody asks."""

    key: SealedKey
    until: datetime | None


def everything(settings: Settings) -> Sequence[Listed]:
    """Every key, oldest first."""
    schedule = key_schedule(settings)

    async def deed(store: Store) -> Sequence[SealedKey]:
        return await store.keys.all()

    return [Listed(key, _until(key, schedule)) for key in with_store(settings, deed)]


def find(settings: Settings, name: str) -> SealedKey:
    """
    The key with this id, or the only one whose id begins so.

    Raises:
        BadUserInput: none, or several.
    """

    async def deed(store: Store) -> SealedKey:
        return named(await store.keys.all(), name)

    return with_store(settings, deed)


def rotate(settings: Settings, uses: Sequence[str], *, at_once: bool) -> Sequence[Listed]:
    """Begin rotations, or do them; see `BeginRotation` and `RotateAtOnce`."""
    sealer = _sealer(settings)
    schedule = key_schedule(settings)

    async def deed(store: Store) -> Sequence[SealedKey]:
        await _check_opens(store, sealer)
        begin = BeginRotation(store.keys, _maker(settings, sealer), utc_now)
        if not at_once:
            return [await begin(KeyUse(use)) for use in uses]
        await asyncio.gather(*(begin(KeyUse(use)) for use in uses))
        rotation = RotateAtOnce(store.keys, begin, utc_now, _until_seen(settings))
        done = await asyncio.gather(*(rotation(KeyUse(use)) for use in uses))
        now = {row.id: row for row in await store.keys.all()}
        return [now.get(key.id, key) for key in done]

    return [Listed(key, _until(key, schedule)) for key in with_store(settings, deed)]


def retire(settings: Settings, name: str, *, at_once: bool) -> Retired:
    """Remove a key; see `RetireKey`."""
    sealer = _sealer(settings)

    async def deed(store: Store) -> Retired:
        if named(await store.keys.all(), name).state is KeyState.ACTIVE:
            await _check_opens(store, sealer)
        begin = BeginRotation(store.keys, _maker(settings, sealer), utc_now)
        rotation = RotateAtOnce(store.keys, begin, utc_now, _until_seen(settings))
        return await RetireKey(store.keys, rotation, key_schedule(settings), utc_now)(name, at_once=at_once)

    return with_store(settings, deed)


def reseal(settings: Settings) -> tuple[int, int]:
    """Seal keys anew; see `ResealKeys`."""
    sealer = _sealer(settings)
    return with_store(settings, lambda store: ResealKeys(store.keys, sealer)())


def make_new_secret_key(settings: Settings) -> Sequence[Path]:
    """
    Put a new secret key in the place of the one in the data folder, and that one beside it; what was written.

    At each moment the two files open every key between them, also if this ends half-way.

    Raises:
        SecretKeyElsewhereError, KeyUnusable: nothing was written.
    """
    present, previous = settings.data_dir / SECRET_KEY_NAME, settings.data_dir / PREVIOUS_SECRET_KEY_NAME
    secret_key = settings.require_secret_key()
    if settings.origins["secret_key"] != str(present):
        raise SecretKeyElsewhereError(
            f"the secret key comes from {settings.origins['secret_key']}, not from a file in the data folder: set a "
            "new one there, the present one as secret_key_previous, and run 'gatepass key reseal' without --new"
        )
    former = settings.secret_key_previous
    if former is not None and former.reveal() != secret_key.reveal():
        raise SecretKeyElsewhereError(
            f"an earlier change is not finished ({settings.origins['secret_key_previous']}): run 'gatepass key reseal' "
            "without --new, restart every server, and remove that one first"
        )
    with_store(settings, lambda store: _check_opens(store, _sealer(settings)))
    _replace(previous, secret_key.reveal() + "\n")
    _replace(present, generate_secret_key().reveal() + "\n")
    return present, previous


def seconds_until_seen(settings: Settings) -> float:
    """How long to wait until every process of the store has read its keys again, one in which a poll failed too."""
    return _POLLS * settings.key_poll_seconds + _MORE_SECONDS


def _until_seen(settings: Settings) -> Callable[[], Awaitable[None]]:
    return lambda: asyncio.sleep(seconds_until_seen(settings))


def _until(key: SealedKey, schedule: KeySchedule) -> datetime | None:
    match key.state:
        case KeyState.NEXT:
            return schedule.signs_from(key)
        case KeyState.ACTIVE:
            return schedule.replaced_from(key)
        case KeyState.RETIRING:
            return schedule.over_from(key)


def _sealer(settings: Settings) -> Sealer:
    return Sealer(settings.require_secret_key(), settings.secret_key_previous)


def _maker(settings: Settings, sealer: Sealer) -> KeyMaker:
    return KeyMaker(sealer, Algorithm(settings.signing_algorithm))


async def _check_opens(store: Store, sealer: Sealer) -> None:
    """With the wrong secret key a new key would be made that no server can open."""
    for row in await store.keys.all():
        sealer.reseal(row)


def _replace(path: Path, text: str) -> None:
    """Write a file for its owner only, whole or not at all, durably."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
