"""What holds for every test."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.kit.kept_workers import end_workers, keep_workers

# An example takes as long as a busy machine lets it: a limit in milliseconds fails where nothing is wrong.
settings.register_profile("gatepass", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gatepass")

pytest_plugins = ["tests.kit.canary_plugin", "tests.kit.store_plugin"]

# A shell without job control starts background jobs with SIGINT ignored, and whatever they start inherits that: a
# server under test would then not hear Ctrl-C. With a handler here, children start with the default.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_server_stays() -> Iterator[None]:
    """The PostgreSQL and the hash workers that the first test to want them has started end with the last."""
    keep_workers()
    yield
    end_workers()
    # Only where a test has imported it: asyncpg is not in every environment that runs tests.
    if (kit := sys.modules.get("tests.kit.postgres")) is not None:
        kit.stop_shared_server()


# Rooms with browsers, servers and whole worlds. Begun last, one long file of theirs would be waited for alone.
_LONG: Final = ("neighbours", "e2e", "web", "wire", "conformance", "usecases", "cli", "stores", "client", "server")
_TESTS: Final = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, in their order otherwise."""

    def place(item: pytest.Item) -> int:
        room = item.path.relative_to(_TESTS).parts[0]
        return _LONG.index(room) if room in _LONG else len(_LONG)

    items.sort(key=place)


_LONGEST_ID = 30


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """
    Long texts are tokens and documents: no names for tests, and where they are made anew, no lasting ones.

    The same for bytes that are no text: every process has to find the same names.
    """
    is_long = isinstance(val, str | bytes) and len(val) > _LONGEST_ID
    is_binary = isinstance(val, bytes) and not val.decode("latin-1").isprintable()
    return argname if is_long or is_binary else None
