"""What holds for every test."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# An example takes as long as a busy machine lets it: a limit in milliseconds fails where nothing is wrong.
settings.register_profile("gatepass", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gatepass")

pytest_plugins = ["tests.kit.canary_plugin"]

# A shell without job control starts background jobs with SIGINT ignored, and whatever they start inherits that: a
# server under test would then not hear Ctrl-C. With a handler here, children start with the default.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_server_stays() -> Iterator[None]:
    """The PostgreSQL that the first test to want one has started ends with the last."""
    yield
    # Only where a test has imported it: asyncpg is not in every environment that runs tests.
    if (kit := sys.modules.get("tests.kit.postgres")) is not None:
        kit.stop_shared_server()


_LONGEST_ID = 30


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """
    Long texts are tokens and documents: no names for tests, and where they are made anew, no lasting ones.

    The same for bytes that are no text: every process has to find the same names.
    """
    is_long = isinstance(val, str | bytes) and len(val) > _LONGEST_ID
    is_binary = isinstance(val, bytes) and not val.decode("latin-1").isprintable()
    return argname if is_long or is_binary else None


# The rooms whose tests run a whole service on the store that `TEST_STORE` names, and in other rooms the fixture that
# makes a store. tests/stores and tests/conformance choose theirs themselves, in every run.
_ROOMS_WITH_A_STORE = ("wire", "oauth", "e2e", "neighbours")
_FIXTURES_WITH_A_STORE = {"cli": "initialised", "usecases": "log"}


def pytest_configure(config: pytest.Config) -> None:
    """The one marker of ours."""
    config.addinivalue_line("markers", "sqlite_only(reason): left out with TEST_STORE=postgres, for that reason")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `TEST_STORE=postgres` only what a store can change; pytest says how many were left out."""
    if os.environ.get("TEST_STORE") != "postgres":
        return
    kept = [item for item in items if _can_be_changed_by_the_store(item)]
    left_out = [item for item in items if not _can_be_changed_by_the_store(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def _can_be_changed_by_the_store(item: pytest.Item) -> bool:
    if item.get_closest_marker("sqlite_only"):
        return False
    room = item.path.relative_to(Path(__file__).parent).parts[0]
    fixtures = getattr(item, "fixturenames", ())
    return room in _ROOMS_WITH_A_STORE or _FIXTURES_WITH_A_STORE.get(room) in fixtures
