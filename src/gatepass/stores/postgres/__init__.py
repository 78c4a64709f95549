"""
The store in PostgreSQL, 13 or later, without any extension.

Owns: its tables in one schema and their migrations, two connections for what is hot (group commit), a few for the rest,
one that listens for revocations. Any number of processes and machines may share the database.
Does not know: what its rows are good for; how the operator's settings are read.
Called by: `gatepass.stores.opening`, through `open_store`, and the command that upgrades it.
"""

from gatepass.stores.postgres.copying import filling, reading
from gatepass.stores.postgres.migrations import SchemaStatus
from gatepass.stores.postgres.store import PostgresStore, open_store, schema_status, upgrade

__all__ = ["PostgresStore", "SchemaStatus", "filling", "open_store", "reading", "schema_status", "upgrade"]
