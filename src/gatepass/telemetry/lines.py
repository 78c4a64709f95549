"""The two forms of a log line: JSON for machines, and one for people at a terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import BinaryIO, Final

import msgspec

Line = Mapping[str, object]
"""An event whose values are clean; `level` and `event` are among them, `exception` may be."""
Render = Callable[[Line], bytes]

_encode = msgspec.json.Encoder().encode
_COLOURS: Final = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}
_PLACED: Final = frozenset({"level", "event", "exception"})


def as_json(line: Line) -> bytes:
    """One JSON object; `time` is UTC with milliseconds."""
    return b'{"time":"%b",%b\n' % (utc_now().encode("ascii"), _encode(line)[1:])


def utc_now() -> str:
    """RFC 3339, UTC, milliseconds."""
    seconds, milliseconds = divmod(time.time_ns() // 1_000_000, 1_000)
    return f"{_to_the_second(seconds)}.{milliseconds:03d}+00:00"


@lru_cache(maxsize=1)
def _to_the_second(seconds: int) -> str:
    """Thousands of lines are of the same second."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(timespec="seconds")


class ForPeople:
    """Local time, level, event, then the fields; a stack trace below."""

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def __call__(self, line: Line) -> bytes:
        """Return the line, in UTF-8."""
        level = str(line["level"])
        stamp = datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]
        pairs = "  ".join(f"{self._dim(name)}={_shown(value)}" for name, value in line.items() if name not in _PLACED)
        text = f"{self._dim(stamp)} {self._paint(f'{level:8}', _COLOURS.get(level, '0'))} {line['event']}"
        trace = f"\n{line['exception']}" if line.get("exception") else ""
        return f"{text}{'  ' if pairs else ''}{pairs}{trace}\n".encode("utf-8", "backslashreplace")

    def _dim(self, text: str) -> str:
        return self._paint(text, "2")

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


def renderer(form: str, stream: BinaryIO, environ: Mapping[str, str] | None = None) -> Render:
    """
    The form of a line.

    Args:
        form: `human`, `json`, or `auto`: human on a terminal, JSON elsewhere.
        environ: `NO_COLOR` and `TERM=dumb` turn colours off (https://no-color.org).
    """
    environ = os.environ if environ is None else environ
    is_terminal = stream.isatty()
    if form == "json" or (form == "auto" and not is_terminal):
        return as_json
    return ForPeople(colours=is_terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb")


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value if value and " " not in value and '"' not in value else _encode(value).decode()
    return _encode(value).decode()
