"""Device codes: asked for by a device, answered by a person, traded once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from gatepass.domain.audit import Note
from gatepass.domain.device_code import Approval, Denial, DeviceCode, DeviceCodeJudge, Wait
from gatepass.domain.identifiers import SessionId
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.secret import Secret
from gatepass.domain.session import SessionOrigin
from gatepass.stores.postgres import codes, rows
from gatepass.stores.postgres.audit import noted
from gatepass.stores.postgres.connection import Connection
from gatepass.stores.postgres.reader import Reader
from gatepass.stores.postgres.writer import Writer
from gatepass.usecases.ports import (
    AccountChanged,
    CodeKept,
    Redemption,
    Unknown,
    UserCodeTaken,
)

_TABLE: Final = "device_codes"
_ADD: Final = """
INSERT INTO device_codes (
    digest, user_code_digest, client_id, scopes, expires_at, interval, address, user_agent
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (user_code_digest) DO NOTHING RETURNING digest
"""
_CODE: Final = f"""
SELECT c.digest, c.user_code_digest, c.client_id, c.scopes, c.expires_at, c.interval, c.polled_at,
       c.is_approved, c.granted, c.authenticated_at, c.session_id, c.address, c.user_agent, {rows.ACCOUNT}
FROM device_codes c LEFT JOIN accounts a ON a.id = c.account_id
"""  # noqa: S608 - constants
_OPEN: Final = "user_code_digest = $1 AND is_approved IS NULL AND expires_at > $2"
_FIND: Final = f"{_CODE} WHERE c.{_OPEN}"
_FIND_AND_LOCK: Final = f"{_CODE} WHERE c.digest = $1 FOR UPDATE OF c"
_OWNER: Final = "SELECT account_id FROM device_codes WHERE digest = $1"
_IS_OPEN: Final = f"SELECT digest FROM device_codes WHERE {_OPEN} FOR UPDATE"  # noqa: S608 - constants
_APPROVE: Final = f"""
UPDATE device_codes SET is_approved = true, account_id = $3, granted = $4, authenticated_at = $5
WHERE {_OPEN} RETURNING digest
"""  # noqa: S608 - constants
_DENY: Final = f"UPDATE device_codes SET is_approved = false WHERE {_OPEN} RETURNING digest"  # noqa: S608 - constants
_WAIT: Final = "UPDATE device_codes SET polled_at = $1, interval = $2 WHERE digest = $3"


class PostgresDeviceCodes:
    """See `gatepass.usecases.ports.DeviceCodes`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def add(self, code: DeviceCode, origin: SessionOrigin) -> CodeKept | UserCodeTaken:
        """Store what a device asks for."""
        return await self._writer.do(lambda connection: _add(connection, code, origin))

    async def find(self, user_code_digest: bytes, now: datetime) -> DeviceCode | None:
        """What can be answered with this user code."""
        return await self._reader.do(lambda connection: _find(connection, user_code_digest, now))

    async def approve(
        self,
        user_code_digest: bytes,
        approval: Approval,
        password_hash: Secret[str] | None,
        now: datetime,
        *,
        note: Note[CodeKept | AccountChanged | Unknown] | None = None,
    ) -> CodeKept | AccountChanged | Unknown:
        """Say yes, if the account is still what the password was checked against."""
        return await self._writer.do(
            noted(lambda connection: _approve(connection, user_code_digest, approval, password_hash, now), note)
        )

    async def deny(
        self, user_code_digest: bytes, now: datetime, *, note: Note[CodeKept | Unknown] | None = None
    ) -> CodeKept | Unknown:
        """Say no."""
        return await self._writer.do(noted(lambda connection: _deny(connection, user_code_digest, now), note))

    async def poll(
        self, digest: bytes, judge: DeviceCodeJudge, now: datetime, *, note: Note[Wait | Redemption] | None = None
    ) -> Wait | Redemption:
        """Trade a code for a session, or note that it was asked for; the judge is asked with the row locked."""
        return await self._writer.do(noted(lambda connection: _poll(connection, digest, judge, now), note))

    async def sweep(self, expired_before: datetime, limit: int) -> int:
        """Delete what gave no session in time."""
        return await codes.sweep(self._writer, _TABLE, expired_before, limit)


async def _add(connection: Connection, code: DeviceCode, origin: SessionOrigin) -> CodeKept | UserCodeTaken:
    added = await connection.fetchval(
        _ADD,
        code.digest,
        code.user_code_digest,
        code.client_id,
        rows.scopes_or_none(code.scopes),
        code.expires_at,
        code.interval,
        origin.address,
        origin.user_agent,
    )
    return UserCodeTaken() if added is None else CodeKept()


async def _find(connection: Connection, user_code_digest: bytes, now: datetime) -> DeviceCode | None:
    row = await connection.fetchrow(_FIND, user_code_digest, now)
    return None if row is None else _code(row)


async def _approve(
    connection: Connection,
    user_code_digest: bytes,
    approval: Approval,
    password_hash: Secret[str] | None,
    now: datetime,
) -> CodeKept | AccountChanged | Unknown:
    is_unchanged = await codes.lock_unchanged(connection, approval.account, password_hash)
    if await connection.fetchval(_IS_OPEN, user_code_digest, now) is None:
        return Unknown()
    if not is_unchanged:
        return AccountChanged()
    values = (approval.account.id, rows.scopes_or_none(approval.granted), approval.authenticated_at)
    await connection.execute(_APPROVE, user_code_digest, now, *values)
    return CodeKept()


async def _deny(connection: Connection, user_code_digest: bytes, now: datetime) -> CodeKept | Unknown:
    denied = await connection.fetchval(_DENY, user_code_digest, now)
    return Unknown() if denied is None else CodeKept()


async def _poll(connection: Connection, digest: bytes, judge: DeviceCodeJudge, now: datetime) -> Wait | Redemption:
    # A code that is approved between this and the lock has an account that is not locked yet; `trade` locks it then,
    # out of turn, and should that end in a circle, the transaction is run again.
    owner = await connection.fetchval(_OWNER, digest)
    if owner is not None:
        await codes.lock_account(connection, owner)
    row = await connection.fetchrow(_FIND_AND_LOCK, digest)
    if row is None:
        return Unknown()
    code = _code(row)
    decision = judge(code)
    if isinstance(decision, NoSession):
        return await codes.refuse(connection, decision, code.session, now)
    if isinstance(decision, Wait):
        await connection.execute(_WAIT, now, decision.interval, digest)
        return decision
    return await codes.trade(connection, _TABLE, digest, decision, SessionOrigin(row["address"], row["user_agent"]))


def _code(row: Any) -> DeviceCode:
    digest, user_code_digest, client_id, scopes, expires_at, interval, polled_at = row[:7]
    session_id = row[10]
    return DeviceCode(
        digest,
        user_code_digest,
        client_id,
        rows.given_scopes(scopes),
        expires_at,
        interval,
        polled_at,
        _answer(row),
        None if session_id is None else SessionId(session_id),
    )


def _answer(row: Any) -> Approval | Denial | None:
    is_approved, granted, authenticated_at = row[7:10]
    if is_approved is None:
        return None
    if not is_approved:
        return Denial()
    return Approval(rows.account(tuple(row[13:])), rows.given_scopes(granted), authenticated_at)
