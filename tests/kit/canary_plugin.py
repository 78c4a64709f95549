"""
No test leaves a secret where it can be read: every one that a test has used is looked for in all that it left behind.

A plugin of pytest, for the whole suite. Secrets are what went through `Secret` in this process, and what the kit hands
out to other processes. Looked through, after each test, are: log records from DEBUG on with their traces; lines of our
own log; messages of errors; answers that refuse, and all others for what they may not hold; metrics; settings as they
are shown; output of server processes; database files and backups in the test's folders, PostgreSQL's rows among them.
A find fails the test. `@pytest.mark.shows_secrets("why")` is for tests that plant one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import subprocess
import sys
import weakref
from collections.abc import Callable, Generator, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, Final

import pytest

from gatepass.client.errors import ClientError
from gatepass.domain.errors import GatepassError
from gatepass.domain.secret import Secret
from tests.kit.canaries import Watch

MARK: Final = "shows_secrets"
# Clients of the tests. What they log is theirs, and they log whole requests.
_OTHERS: Final = ("httpx", "httpcore", "hypothesis", "websockets", "gql", "urllib3", "requests", "playwright", "oauth")
_SQLITE: Final = b"SQLite format 3\x00"
_OURS: Final = b"GPAS"
_IS_DATABASE: Final = re.compile(r".*(\.db|\.db-wal|\.db-journal|\.sqlite.*|\.backup|\.bak)", re.DOTALL)
_OK: Final = 400

_watch = Watch()
_metrics: weakref.WeakSet[Any] = weakref.WeakSet()
_folders: list[Path] = []
_read: dict[Path, tuple[int, int]] = {}
_stores: list[Path] = []


def watch() -> Watch:
    """The one that is fed at the moment."""
    return _watch


@contextlib.contextmanager
def another_watch() -> Iterator[Watch]:
    """Feed another one inside the block, for tests of this very module."""
    global _watch  # noqa: PLW0603 - it is fed by patches, which nobody can hand it to
    before, _watch = _watch, Watch()
    try:
        yield _watch
    finally:
        _watch = before


class _Records(logging.Handler):
    """Records as they were made, before any redaction."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(_OTHERS):
            return
        # Formatted here: later its arguments may have changed. Errors of formatting are the caller's.
        with contextlib.suppress(Exception):
            extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
            trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
            _watch.sees("the log", f"{record.getMessage()} {extra or ''} {trace}")


_STANDARD: Final = frozenset(vars(logging.makeLogRecord({})))
_records: Final = _Records(logging.DEBUG)


def pytest_configure(config: pytest.Config) -> None:
    """Put the ears on."""
    config.addinivalue_line("markers", f"{MARK}(why): plants a secret where it can be read")
    _listen_to_secrets_and_errors()
    with contextlib.suppress(ImportError):  # without the server's packages there is none to listen to
        _listen_to_the_server()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Log everything during the test."""
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(_records)
    root.setLevel(logging.DEBUG)
    try:
        return (yield)
    finally:
        root.removeHandler(_records)
        root.setLevel(level)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Look for secrets in what the test left behind, once its fixtures have ended."""
    result = yield
    _look_around()
    leaks = _watch.leaks()
    if nextitem is None or nextitem.path != item.path:
        _forget()
    if leaks and item.get_closest_marker(MARK) is None:
        pytest.fail("secrets can be read:\n" + "\n".join(f"  {leak}" for leak in leaks), pytrace=False)
    return result


@pytest.fixture(scope="session", autouse=True)
def _folders_are_known(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = tmp_path_factory.mktemp

    def mktemp(basename: str, numbered: bool = True) -> Path:
        folder = made(basename, numbered)
        _folders.append(folder)
        return folder

    tmp_path_factory.mktemp = mktemp  # type: ignore[method-assign]


def new_stores() -> list[Path]:
    """The files of SQLite stores of ours that were seen for the first time since this was asked last."""
    seen = list(_stores)
    _stores.clear()
    return seen


def look_into(folder: Path) -> None:
    """See every database file of a folder that has changed, and learn the secret keys that lie beside."""
    for root, _, names in os.walk(folder):
        for name in names:
            if name.startswith("secret.key"):
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    _watch.learns(Path(root, name).read_text("ascii").strip())
            if _IS_DATABASE.fullmatch(name):
                with contextlib.suppress(OSError):
                    _read_if_changed(Path(root, name))


def _read_if_changed(file: Path) -> None:
    status = file.stat()
    if _read.get(file) == (status.st_mtime_ns, status.st_size) or not file.is_file():
        return
    is_new = file not in _read
    _read[file] = (status.st_mtime_ns, status.st_size)
    content = file.read_bytes()
    if is_new and content.startswith(_SQLITE) and content[68:].startswith(_OURS):
        _stores.append(file)
    _watch.sees(f"the store's {_what(file)}", content, shapes=content.startswith(_SQLITE))


def _what(file: Path) -> str:
    return f"file {file.suffix}" if file.name.startswith("gatepass.db") else f"copy {file.name}"


def _look_around() -> None:
    for folder in _folders:
        look_into(folder)
    for metrics in list(_metrics):
        _watch.sees("the metrics", repr(list(metrics._series)))
    if (processes := sys.modules.get("tests.kit.processes")) is not None:
        for process in list(processes.KNOWN):
            _watch.sees("a process's output", process.unseen(), shapes=True)
    if (postgres := sys.modules.get("tests.kit.postgres")) is not None:
        with contextlib.suppress(subprocess.SubprocessError, OSError):
            _watch.sees("the store's rows", postgres.rows_of_changed_schemas())


def _forget() -> None:
    """Secrets of one file are no secrets of another: each makes its own."""
    global _watch  # noqa: PLW0603 - as above
    _watch = Watch()
    _folders.clear()
    _read.clear()
    _metrics.clear()


def _listen_to_secrets_and_errors() -> None:
    _before(Secret, "__init__", lambda _self, value: _watch.learns(value))
    for root in (GatepassError, ClientError):

        def made(kind: type[BaseException], *arguments: object, **named: object) -> BaseException:
            _watch.sees("an error", f"{arguments} {named or ''}")
            error: BaseException = Exception.__new__(kind, *arguments)
            return error

        root.__new__ = made  # type: ignore[assignment, method-assign]


def _listen_to_the_server() -> None:
    from gatepass.http.messages import Response
    from gatepass.settings import Settings
    from gatepass.telemetry.logs import LineHandler
    from gatepass.telemetry.metrics import Metrics

    def answered(_self: object, status: int, body: bytes, headers: Any, **more: str) -> None:
        is_fine = status < _OK and more.get("code", "OK") == "OK"
        gives = is_fine and more.get("operation") != "metrics"
        _watch.sees("an answer" if is_fine else "a refusal", body, may_hold_tokens=gives)
        _watch.sees("a head", repr(headers), may_hold_tokens=is_fine)

    _before(Response, "__init__", answered)
    _before(Metrics, "__init__", lambda self, *_, **__: _metrics.add(self))
    _before(LineHandler, "__init__", lambda _self, stream, render: None, stream_at=1)
    report = Settings.report

    def reported(self: Settings) -> Any:
        rows = report(self)
        _watch.sees("the settings", f"{rows} {self}")
        return rows

    Settings.report = reported  # type: ignore[method-assign]


class _Tee:
    """A stream, and what goes through it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, data: bytes) -> Any:
        _watch.sees("a line of the log", data)
        return self._stream.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _before(kind: Any, name: str, listen: Callable[..., object], *, stream_at: int | None = None) -> None:
    """Have `listen` called with the arguments of a method before it runs."""
    method = getattr(kind, name)

    @wraps(method)
    def heard(*arguments: Any, **named: Any) -> Any:
        listen(*arguments, **named)
        if stream_at is not None:
            arguments = (*arguments[:stream_at], _Tee(arguments[stream_at]), *arguments[stream_at + 1 :])
        return method(*arguments, **named)

    setattr(kind, name, heard)
