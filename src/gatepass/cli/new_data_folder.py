"""Makes the data folder of a new Gatepass, whole or not at all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gatepass.cli.terminal import say
from gatepass.crypto.sealing import generate_secret_key
from gatepass.domain.errors import GatepassError
from gatepass.settings import Settings
from gatepass.settings.reference import settings_template
from gatepass.settings.sources import CONFIG_NAME, SECRET_KEY_NAME
from gatepass.stores.opening import open_store


class AlreadyThereError(GatepassError):
    """There is a Gatepass there already; nothing was written."""


def make_data_folder(settings: Settings, database_url: str | None = None) -> list[Path]:
    """
    Make what is missing; the paths of what was made. A database on a server is not touched.

    Args:
        database_url: goes into the new `gatepass.toml`, for later commands.

    Raises:
        AlreadyThereError: nothing was written.
    """
    secret_key, config = settings.data_dir / SECRET_KEY_NAME, settings.data_dir / CONFIG_NAME
    has_own_config = settings.config_file in (None, config)
    database = settings.database_path
    _check_nothing_there(*([database] if database else []), secret_key, *([config] if has_own_config else []))
    with _undone_if_failed() as made:
        _make_folder(settings.data_dir, made)
        _make_secret_key(settings, secret_key, made)
        if has_own_config:
            _make_config(config, database_url, made)
        if database is not None:
            _make_sqlite(database, settings.store_url, made)
    return [path for path in made if path.exists()]


def _check_nothing_there(*paths: Path) -> None:
    there = [path for path in paths if path.exists()]
    if there:
        raise AlreadyThereError(f"{there[0]} is there already, and nothing was written: pick another --data-dir")


@contextmanager
def _undone_if_failed() -> Iterator[list[Path]]:
    """Collects what is made, and takes it away again if not all of it could be."""
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        raise


def _make_folder(folder: Path, made: list[Path]) -> None:
    if folder.is_dir():
        if os.name == "posix" and folder.stat().st_mode & 0o077:
            say(f"note: others on this machine may look into {folder}; 'chmod 700 {folder}' ends that")
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    made.append(folder)


def _make_secret_key(settings: Settings, path: Path, made: list[Path]) -> None:
    if settings.secret_key is None:
        _write_new(path, generate_secret_key().reveal() + "\n", made)


def _make_config(path: Path, database_url: str | None, made: list[Path]) -> None:
    given = {} if database_url is None else {"database_url": database_url}
    _write_new(path, settings_template(given), made)


def _make_sqlite(file: Path, url: str, made: list[Path]) -> None:
    async def open_and_close() -> None:
        store = await open_store(url)
        await store.close()

    # Beside an open store lie two more files; a start that failed may leave them.
    made.extend(file.with_name(f"{file.name}{end}") for end in ("-wal", "-shm"))
    made.append(file)
    asyncio.run(open_and_close())


def _write_new(path: Path, text: str, made: list[Path]) -> None:
    """Write a file for its owner only; never over another, also not over one that came up just now."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        made.append(path)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
