"""What holds for every test."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest

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
    """Long texts are tokens and documents: no names for tests, and where they are made anew, no lasting ones."""
    return argname if isinstance(val, str | bytes) and len(val) > _LONGEST_ID else None
