"""One log line per request. No query string, no document, no header, no token."""

from __future__ import annotations

import logging
from functools import lru_cache, partial
from typing import Final

from gatepass.telemetry.lines import Line
from gatepass.telemetry.logs import installed_handler
from gatepass.telemetry.redaction import clean_text

LOGGER: Final = "gatepass.requests"
MAX_PATH_CHARACTERS: Final = 256

# What a request id made here consists of: no secret does.
_OF_OURS: Final = "0123456789abcdef-"
_EVENT: Final = frozenset(("level", "event"))
# Paths and addresses come again and again; searching them for secrets is the dearest part of a line.
_clean_often = lru_cache(maxsize=1024)(clean_text)


class RequestLog:
    """
    Writes the line of each request; make one after `configure_logging`.

    Where that was not called, as in an application around us, the line goes to the logger `gatepass.requests`.
    """

    def __init__(self) -> None:
        self._handler = installed_handler()
        self._logger = logging.getLogger(LOGGER)

    def __call__(
        self,
        *,
        request_id: str,
        method: str,
        path: str,
        operation: str,
        code: str,
        status: int,
        seconds: float,
        client: str,
    ) -> None:
        """
        Write it.

        Args:
            operation: a word of ours, such as `sign_in` or `query`; empty for what is no operation.
            code: `OK` or an error code.
            client: its address.
        """
        if not self._logger.isEnabledFor(logging.INFO):
            return
        make = partial(
            _line,
            request_id=request_id,
            method=method,
            path=path,
            operation=operation,
            code=code,
            status=status,
            seconds=seconds,
            client=client,
        )
        if self._handler is not None:
            self._handler.write_soon(make)
        else:
            self._logger.info("request", extra={name: it for name, it in make().items() if name not in _EVENT})


def _line(
    *,
    request_id: str,
    method: str,
    path: str,
    operation: str,
    code: str,
    status: int,
    seconds: float,
    client: str,
) -> Line:
    return {
        "level": "info",
        "event": "request",
        "request_id": clean_text(request_id) if request_id.strip(_OF_OURS) else request_id,
        "method": _clean_often(method),
        "path": _clean_often(path[:MAX_PATH_CHARACTERS]),
        "operation": operation,
        "code": code,
        "status": status,
        "duration_ms": round(seconds * 1000, 3),
        "client": _clean_often(client),
    }
