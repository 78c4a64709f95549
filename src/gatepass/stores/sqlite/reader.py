"""Reads, beside the writer and out of its way."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from gatepass.stores.sqlite.faults import store_unavailable
from gatepass.stores.sqlite.worker import Operation, Outcome


class ReadEach:
    """Runs each operation in a snapshot of its own: it sees everything committed before, by any process."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, operations: Sequence[Operation[Any]]) -> Sequence[Outcome]:
        """Their outcomes. One that fails fails alone."""
        return [self._read(operation) for operation in operations]

    def rest(self) -> None:
        """Nothing is left over between batches."""

    def close(self) -> None:
        """Let go of the connection."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _read(self, operation: Operation[Any]) -> Outcome:
        try:
            self._connection.execute("BEGIN")
            return operation(self._connection)
        except sqlite3.Error as error:
            return store_unavailable(error)
        except Exception as error:
            return error
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
