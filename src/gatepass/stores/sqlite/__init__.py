"""
The store in one SQLite file.

Owns: the file and its migrations, one writing connection with its thread (group commit), one reading connection with
its thread. Any number of event loops, threads and processes may share the file.
Does not know: what its rows are good for.
Called by: the composition root, through `open_store`.
"""

from gatepass.stores.sqlite.backup import back_up
from gatepass.stores.sqlite.copying import filling, reading
from gatepass.stores.sqlite.migrations import SchemaStatus
from gatepass.stores.sqlite.store import SqliteStore, open_store, schema_status, upgrade

__all__ = ["SchemaStatus", "SqliteStore", "back_up", "filling", "open_store", "reading", "schema_status", "upgrade"]
