"""Everything that the process logs comes out in one form."""

from __future__ import annotations

import io
import logging
import os
import warnings
from datetime import UTC, datetime

import pytest

from gatepass.telemetry.lines import as_json, renderer
from gatepass.telemetry.logs import LineHandler, configure_logging
from tests.telemetry.conftest import Log


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


def test_every_logger_writes_the_same_form(log: Log) -> None:
    """One JSON object a line, UTC with milliseconds, the level, the event, then the fields."""
    logging.getLogger().info("started", extra={"port": 8000})
    logging.getLogger("gatepass.crypto").warning("worker %d was lost", 7, extra={"pid": 7})
    first, second = log.lines
    assert {name: first[name] for name in ("level", "event", "port")} == {
        "level": "info",
        "event": "started",
        "port": 8000,
    }
    assert abs((datetime.now(UTC) - datetime.fromisoformat(first["time"])).total_seconds()) < 5
    assert second["event"] == "worker 7 was lost"
    assert (second["logger"], second["pid"]) == ("gatepass.crypto", 7)


def test_exceptions_are_logged_with_their_trace_and_without_values(log: Log) -> None:
    """Values of variables are where secrets are."""
    value = {"the value": "of a variable"}
    try:
        value["missing"]
    except KeyError:
        logging.getLogger("gatepass").exception("failed")
        logging.getLogger("gatepass").error("failed too", exc_info=True)
        logging.getLogger().exception("failed as well")
    assert [line["level"] for line in log.lines] == ["error"] * 3
    assert all(line["exception"].startswith("Traceback") for line in log.lines)
    assert "of a variable" not in log.text


def test_a_record_with_wrong_arguments_is_logged_nevertheless(log: Log) -> None:
    """A slip in a foreign logging call must not lose the event."""
    (handler,) = [handler for handler in logging.getLogger().handlers if isinstance(handler, LineHandler)]
    handler.handle(logging.makeLogRecord({"msg": "%d of %d", "args": ("x",)}))
    assert log.lines[0]["event"] == "%d of %d"


def test_warnings_are_logged(log: Log) -> None:
    """Python's own would go to standard error as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("an old call", DeprecationWarning, stacklevel=1)
    assert "an old call" in log.lines[0]["event"]


def test_the_level_holds_and_servers_are_kept_quiet(logging_is_put_back: None) -> None:
    """Uvicorn narrates each start and stop at level info."""
    stream = io.BytesIO()
    configure_logging("json", "info", stream)
    logging.getLogger("gatepass").debug("no")
    logging.getLogger("uvicorn.error").info("no")
    assert stream.getvalue() == b""
    logging.getLogger("uvicorn.error").warning("yes")
    assert b"yes" in stream.getvalue()


def test_configuring_again_replaces(logging_is_put_back: None) -> None:
    """No line is written twice."""
    first, second = io.BytesIO(), io.BytesIO()
    configure_logging("json", "info", first)
    configure_logging("json", "info", second)
    logging.getLogger().warning("once")
    assert (first.getvalue(), second.getvalue().count(b"\n")) == (b"", 1)


def test_auto_is_for_people_on_a_terminal_and_json_elsewhere() -> None:
    """As ls and grep do it."""
    assert renderer("auto", io.BytesIO()) is as_json
    assert renderer("json", Terminal()) is as_json
    assert renderer("auto", Terminal()) is not as_json
    assert renderer("human", io.BytesIO()) is not as_json


@pytest.mark.parametrize(
    ("stream", "environ", "coloured"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.BytesIO(), {}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(stream: io.BytesIO, environ: dict[str, str], coloured: bool) -> None:
    """https://no-color.org: set and not empty."""
    line = {"level": "info", "event": "started"}
    assert (b"\x1b[" in renderer("human", stream, environ)(line)) is coloured


def test_the_form_for_people_can_be_read() -> None:
    """Time, level, event, fields; the trace below; text with spaces in quotes."""
    render = renderer("human", io.BytesIO(), {})
    line = {"level": "info", "event": "request", "path": "/a b", "status": 200, "client": "", "exception": "Trace\n  x"}
    head, *trace = render(line).decode().splitlines()
    assert head[12:] == ' info     request  path="/a b"  status=200  client=""'
    assert trace == ["Trace", "  x"]


def test_a_log_that_cannot_be_written_stops_nothing(logging_is_put_back: None) -> None:
    """Fails open: a full disk or a closed pipe is no reason to refuse a sign-in."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb", buffering=0) as stream:  # noqa: PTH123 - a file descriptor
        handler: LineHandler = configure_logging("json", "info", stream)
        handler.write({"level": "info", "event": "lost"})
        logging.getLogger().warning("lost too")
