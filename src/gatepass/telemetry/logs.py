"""
The log of the process: what the standard library's loggers say, in one form, on standard error.

Fails open: a log that cannot be written stops no request.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final

from gatepass.telemetry import redaction
from gatepass.telemetry.lines import Line, Render, renderer

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
MAX_TRACE_FRAMES: Final = 30
# They narrate each start, connection and query; what matters of it we say ourselves.
_CHATTY: Final = ("uvicorn", "uvicorn.error", "asyncio", "aiohttp")
_STANDARD: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"})


class LineHandler(logging.Handler):
    """Writes each record as one line, after redaction. `write` is the way for lines that are clean already."""

    def __init__(self, stream: BinaryIO, render: Render) -> None:
        super().__init__()
        self._stream = stream
        self._render = render
        self._pending: list[Callable[[], Line]] = []

    def write(self, line: Line) -> None:
        """Write one line in one piece, after those that are pending."""
        self._pending.append(lambda: line)
        self.flush()

    def write_soon(self, make: Callable[[], Line]) -> None:
        """
        Make and write one line at the end of this turn of the event loop, in one piece with the others of this turn.

        Where many requests are answered in one turn, as after a group commit, their lines are one system call. Made
        one after the other they cost half of what each costs between a token and an answer.
        """
        self._pending.append(make)
        if len(self._pending) == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:
                self.flush()

    def flush(self) -> None:
        """Write what is pending."""
        pending, self._pending = self._pending, []
        if pending:
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(b"".join([self._render(make()) for make in pending]))
                self._stream.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record of the standard library; what was given as `extra` becomes fields."""
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        try:
            message = record.getMessage()
        except Exception:  # a wrong number of arguments: say what there is
            message = str(record.msg)
        self.write(event_line(record.levelname.lower(), message, {"logger": record.name} | extra, record.exc_info))


def configure_logging(form: str, level: str, stream: BinaryIO | None = None) -> LineHandler:
    """
    Send everything that this process logs through our form and redaction. Call it once, early; again replaces it.

    Servers do this; an embedded Gatepass leaves logging to the application around it.

    Args:
        form: `auto`, `human` or `json`.
        level: `debug`, `info`, `warning` or `error`.
        stream: standard error unless told.
    """
    target = stream if stream is not None else sys.stderr.buffer
    handler = LineHandler(target, renderer(form, target))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, LineHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(LEVELS[level])
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING) if level != "debug" else logging.DEBUG)
    logging.captureWarnings(True)
    return handler


def installed_handler() -> LineHandler | None:
    """The handler that `configure_logging` put up, if it was called."""
    return next((handler for handler in logging.getLogger().handlers if isinstance(handler, LineHandler)), None)


def event_line(level: str, event: str, given: Mapping[str, Any], exc_info: Any = None) -> Line:
    """
    A clean line.

    Args:
        exc_info: as in the standard library: an exception, its triple, or true for the current one.
    """
    line: dict[str, object] = {"level": level, "event": redaction.clean_text(event), **redaction.fields(given)}
    trace = _trace_of(exc_info)
    return line | {"exception": redaction.clean_lines(trace)} if trace else line


def _trace_of(exc_info: Any) -> str:
    """The stack trace without the values of variables: those are where secrets are."""
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    elif exc_info is True:
        exc_info = sys.exc_info()[1]
    if not isinstance(exc_info, BaseException):
        return ""
    return "".join(traceback.format_exception(exc_info, limit=-MAX_TRACE_FRAMES)).rstrip()
