"""What every store keeps, table by table, for copies from one to another. A test compares it with the real tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Kind(Enum):
    """What a column holds, and how that travels."""

    IDENTIFIER = auto()
    """A UUID; its 16 bytes."""
    MOMENT = auto()
    """A time; microseconds since 1970-01-01 UTC."""
    DURATION = auto()
    """Microseconds."""
    SWITCH = auto()
    """True or false; 1 or 0."""
    TEXT = auto()
    BYTES = auto()
    NUMBER = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """One table; its first column or columns are its key, and rows travel in the order of that."""

    name: str
    columns: Sequence[Column]
    key_columns: int = 1

    @property
    def key(self) -> Sequence[Column]:
        """The columns by which rows are ordered."""
        return self.columns[: self.key_columns]

    @property
    def names(self) -> Sequence[str]:
        """Of all columns."""
        return [column.name for column in self.columns]


Value = bytes | int | str | None
Row = tuple[Value, ...]
"""A row as it travels: values of the columns in their order, each as its `Kind` says."""


def _table(name: str, key_columns: int = 1, /, **columns: Kind) -> Table:
    return Table(name, [Column(column, kind) for column, kind in columns.items()], key_columns)


TABLES: Final = (
    _table(
        "accounts",
        id=Kind.IDENTIFIER,
        email=Kind.TEXT,
        scopes=Kind.TEXT,
        password_hash=Kind.TEXT,
        created_at=Kind.MOMENT,
        disabled_at=Kind.MOMENT,
    ),
    _table(
        "clients",
        id=Kind.TEXT,
        name=Kind.TEXT,
        authentication=Kind.TEXT,
        grants=Kind.TEXT,
        scopes=Kind.TEXT,
        redirect_uris=Kind.TEXT,
        is_first_party=Kind.SWITCH,
        jwks=Kind.TEXT,
        secret_digest=Kind.BYTES,
        created_at=Kind.MOMENT,
    ),
    _table(
        "sessions",
        id=Kind.IDENTIFIER,
        account_id=Kind.IDENTIFIER,
        client_id=Kind.TEXT,
        salt=Kind.BYTES,
        generation=Kind.NUMBER,
        opened_at=Kind.MOMENT,
        rotated_at=Kind.MOMENT,
        ends_at=Kind.MOMENT,
        revoked_at=Kind.MOMENT,
        scopes=Kind.TEXT,
        address=Kind.TEXT,
        user_agent=Kind.TEXT,
    ),
    _table("revocations", seq=Kind.NUMBER, session_id=Kind.IDENTIFIER, until=Kind.MOMENT),
    _table(
        "sealed_keys",
        id=Kind.TEXT,
        use=Kind.TEXT,
        algorithm=Kind.TEXT,
        state=Kind.TEXT,
        sealed=Kind.BYTES,
        public_jwk=Kind.TEXT,
        created_at=Kind.MOMENT,
        since=Kind.MOMENT,
    ),
    _table(
        "authorization_codes",
        digest=Kind.BYTES,
        account_id=Kind.IDENTIFIER,
        client_id=Kind.TEXT,
        redirect_uri=Kind.TEXT,
        challenge=Kind.TEXT,
        scopes=Kind.TEXT,
        authenticated_at=Kind.MOMENT,
        expires_at=Kind.MOMENT,
        address=Kind.TEXT,
        user_agent=Kind.TEXT,
        session_id=Kind.IDENTIFIER,
    ),
    _table(
        "device_codes",
        digest=Kind.BYTES,
        user_code_digest=Kind.BYTES,
        client_id=Kind.TEXT,
        scopes=Kind.TEXT,
        expires_at=Kind.MOMENT,
        interval=Kind.DURATION,
        polled_at=Kind.MOMENT,
        address=Kind.TEXT,
        user_agent=Kind.TEXT,
        is_approved=Kind.SWITCH,
        account_id=Kind.IDENTIFIER,
        granted=Kind.TEXT,
        authenticated_at=Kind.MOMENT,
        session_id=Kind.IDENTIFIER,
    ),
    _table("client_assertions", digest=Kind.BYTES, expires_at=Kind.MOMENT),
    _table(
        "attempts",
        3,
        owner=Kind.BYTES,
        kind=Kind.TEXT,
        subject=Kind.TEXT,
        failures=Kind.NUMBER,
        at=Kind.MOMENT,
        forget_at=Kind.MOMENT,
    ),
    _table(
        "audit_seal",
        id=Kind.NUMBER,
        start_number=Kind.NUMBER,
        start_digest=Kind.BYTES,
        end_number=Kind.NUMBER,
        end_digest=Kind.BYTES,
        mac=Kind.BYTES,
    ),
    _table(
        "audit_entries",
        number=Kind.NUMBER,
        at=Kind.MOMENT,
        deed=Kind.TEXT,
        result=Kind.TEXT,
        reason=Kind.TEXT,
        account_id=Kind.IDENTIFIER,
        email=Kind.TEXT,
        session_id=Kind.IDENTIFIER,
        client_id=Kind.TEXT,
        door=Kind.TEXT,
        operator=Kind.TEXT,
        address=Kind.TEXT,
        user_agent=Kind.TEXT,
        request_id=Kind.TEXT,
        detail=Kind.TEXT,
        digest=Kind.BYTES,
    ),
)
"""In an order in which every row comes after those that it refers to."""
