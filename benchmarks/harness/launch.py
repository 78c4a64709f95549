"""
The real server with one thing changed that is no setting on purpose, so that its price can be measured.

`python -m benchmarks.harness.launch CHANGE serve …` in place of `gatepass serve …`.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import AsyncIterator
from typing import Final, Literal, get_args

Change = Literal["normal-priority", "synchronous-normal", "no-counters"]

_AT_NORMAL_PRIORITY: Final = (
    "import os, runpy, sys; os.nice = lambda _: 0; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
)


def main(change: str, arguments: list[str]) -> None:
    """Make the change, then be `gatepass` with the arguments."""
    if change not in get_args(Change):
        sys.exit(f"there is no change {change!r}: {', '.join(get_args(Change))}")
    {
        "normal-priority": _hash_at_normal_priority,
        "synchronous-normal": _lose_answered_writes_at_power_loss,
        "no-counters": _count_no_attempts,
    }[change]()
    from gatepass.cli import main as gatepass  # noqa: PLC0415 - after the change

    sys.argv = ["gatepass", *arguments]
    gatepass()


def _hash_at_normal_priority() -> None:
    """The workers' own program, started as always, except that lowering their priority does nothing."""
    from gatepass.crypto import worker_process  # noqa: PLC0415

    python, isolated, no_site, *rest = worker_process._command()  # noqa: SLF001 - no setting, on purpose
    changed = (python, isolated, no_site, "-c", _AT_NORMAL_PRIORITY, *rest)
    worker_process._command = lambda: changed  # type: ignore[assignment]  # noqa: SLF001


def _lose_answered_writes_at_power_loss() -> None:
    """Commit without waiting for the disk."""
    from gatepass.stores import sqlite  # noqa: PLC0415

    sqlite.open_store = functools.partial(sqlite.open_store, synchronous="NORMAL_LOSES_ANSWERED_WRITES_AT_POWER_LOSS")


def _count_no_attempts() -> None:
    """Let every attempt through, and write none down."""
    from gatepass.usecases import sign_in_attempts  # noqa: PLC0415

    @contextlib.asynccontextmanager
    async def attempt(*_: object) -> AsyncIterator[sign_in_attempts.Attempt]:
        yield sign_in_attempts.Attempt()

    sign_in_attempts.SignInAttempts.attempt = attempt  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
