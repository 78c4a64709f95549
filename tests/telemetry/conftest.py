"""A log of its own for each test."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gatepass.telemetry.logs import configure_logging


@dataclass
class Log:
    """What was written, and as JSON."""

    stream: io.BytesIO

    @property
    def text(self) -> str:
        return self.stream.getvalue().decode()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def log(logging_is_put_back: None) -> Log:
    """The log as JSON, from `debug` on."""
    stream = io.BytesIO()
    configure_logging("json", "debug", stream)
    return Log(stream)


@pytest.fixture
def logging_is_put_back() -> Iterator[None]:
    """Logging belongs to the process; other tests must not inherit ours."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    for name in ("uvicorn", "uvicorn.error"):  # a server that another test started may have given them handlers
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(False)
