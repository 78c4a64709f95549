"""What of the machine a benchmark uses: its cores, and whether it can be measured on at all."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path

Cores = frozenset[int]


def why_not() -> str | None:
    """Why nothing can be measured here, for people; None where it can."""
    if not Path("/proc/self/stat").exists() or not hasattr(os, "sched_setaffinity"):
        return "the benchmarks read CPU times from /proc and pin processes to cores: they need Linux"
    if len(cores()) < 2:
        return "the benchmarks need two cores: one for the server, one for the load; this process may use one"
    return None


def cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def server_core() -> Cores:
    """Where a server under measurement runs alone."""
    return frozenset(cores()[:1])


def load_cores() -> Cores:
    """Where everything else runs meanwhile."""
    return frozenset(cores()[1:])


@contextlib.contextmanager
def pinned(to: Cores | None) -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, on some cores; None leaves it where it is."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, to or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def description() -> str:
    """The machine in one line, for below a table."""
    return f"{_processor()}, {len(cores())} cores, Linux {platform.release()}, Python {platform.python_version()}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
