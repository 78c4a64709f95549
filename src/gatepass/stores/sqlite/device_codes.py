"""Device codes: asked for by a device, answered by a person, traded once."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from gatepass.domain.audit import Note
from gatepass.domain.device_code import Approval, Denial, DeviceCode, DeviceCodeJudge, Wait
from gatepass.domain.identifiers import SessionId
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.secret import Secret
from gatepass.domain.session import SessionOrigin
from gatepass.stores.sqlite import codes, rows
from gatepass.stores.sqlite.audit import noted
from gatepass.stores.sqlite.worker import Worker
from gatepass.usecases.ports import (
    AccountChanged,
    CodeKept,
    Redemption,
    Unknown,
    UserCodeTaken,
)

_TABLE: Final = "device_codes"
_ADD: Final = """
INSERT INTO device_codes (digest, user_code_digest, client_id, scopes, expires_at, interval, address, user_agent)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user_code_digest) DO NOTHING
"""
_CODE: Final = f"""
SELECT c.digest, c.user_code_digest, c.client_id, c.scopes, c.expires_at, c.interval, c.polled_at,
       c.is_approved, c.granted, c.authenticated_at, c.session_id, c.address, c.user_agent, {rows.ACCOUNT}
FROM device_codes c LEFT JOIN accounts a ON a.id = c.account_id
"""  # noqa: S608 - constants
_OPEN: Final = "user_code_digest = ? AND is_approved IS NULL AND expires_at > ?"
_FIND: Final = f"{_CODE} WHERE c.{_OPEN}"
_BY_DIGEST: Final = f"{_CODE} WHERE c.digest = ?"
_IS_OPEN: Final = f"SELECT 1 FROM device_codes WHERE {_OPEN}"  # noqa: S608 - constants
_APPROVE: Final = f"""
UPDATE device_codes SET is_approved = 1, account_id = ?, granted = ?, authenticated_at = ? WHERE {_OPEN}
"""  # noqa: S608 - constants
_DENY: Final = f"UPDATE device_codes SET is_approved = 0 WHERE {_OPEN}"  # noqa: S608 - constants
_WAIT: Final = "UPDATE device_codes SET polled_at = ?, interval = ? WHERE digest = ?"


class SqliteDeviceCodes:
    """See `gatepass.usecases.ports.DeviceCodes`."""

    def __init__(self, writer: Worker, reader: Worker) -> None:
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
        """Trade a code for a session, or note that it was asked for; the judge runs in the writer's thread."""
        return await self._writer.do(noted(lambda connection: _poll(connection, digest, judge, now), note))

    async def sweep(self, expired_before: datetime, limit: int) -> int:
        """Delete what gave no session in time."""
        return await self._writer.do(lambda connection: codes.sweep(connection, _TABLE, expired_before, limit))


def _add(connection: sqlite3.Connection, code: DeviceCode, origin: SessionOrigin) -> CodeKept | UserCodeTaken:
    added = connection.execute(
        _ADD,
        (
            code.digest,
            code.user_code_digest,
            code.client_id,
            rows.scopes_or_none(code.scopes),
            rows.microseconds(code.expires_at),
            rows.duration(code.interval),
            origin.address,
            origin.user_agent,
        ),
    )
    return CodeKept() if added.rowcount == 1 else UserCodeTaken()


def _find(connection: sqlite3.Connection, user_code_digest: bytes, now: datetime) -> DeviceCode | None:
    row = connection.execute(_FIND, (user_code_digest, rows.microseconds(now))).fetchone()
    return None if row is None else _code(row)


def _approve(
    connection: sqlite3.Connection,
    user_code_digest: bytes,
    approval: Approval,
    password_hash: Secret[str] | None,
    now: datetime,
) -> CodeKept | AccountChanged | Unknown:
    which = (user_code_digest, rows.microseconds(now))
    if connection.execute(_IS_OPEN, which).fetchone() is None:
        return Unknown()
    if not codes.account_is_unchanged(connection, approval.account, password_hash):
        return AccountChanged()
    values = (
        approval.account.id.bytes,
        rows.scopes_or_none(approval.granted),
        rows.microseconds(approval.authenticated_at),
    )
    connection.execute(_APPROVE, values + which)
    return CodeKept()


def _deny(connection: sqlite3.Connection, user_code_digest: bytes, now: datetime) -> CodeKept | Unknown:
    denied = connection.execute(_DENY, (user_code_digest, rows.microseconds(now)))
    return CodeKept() if denied.rowcount == 1 else Unknown()


def _poll(connection: sqlite3.Connection, digest: bytes, judge: DeviceCodeJudge, now: datetime) -> Wait | Redemption:
    row = connection.execute(_BY_DIGEST, (digest,)).fetchone()
    if row is None:
        return Unknown()
    code = _code(row)
    decision = judge(code)
    if isinstance(decision, NoSession):
        return codes.refuse(connection, decision, code.session, now)
    if isinstance(decision, Wait):
        connection.execute(_WAIT, (rows.microseconds(now), rows.duration(decision.interval), digest))
        return decision
    address, user_agent = row[11:13]
    return codes.trade(connection, _TABLE, digest, decision, SessionOrigin(address, user_agent))


def _code(row: tuple[Any, ...]) -> DeviceCode:
    digest, user_code_digest, client_id, scopes, expires_at, interval, polled_at = row[:7]
    session_id = row[10]
    return DeviceCode(
        digest,
        user_code_digest,
        client_id,
        rows.given_scopes(scopes),
        rows.moment(expires_at),
        timedelta(microseconds=interval),
        rows.moment_or_none(polled_at),
        _answer(row),
        None if session_id is None else SessionId(UUID(bytes=session_id)),
    )


def _answer(row: tuple[Any, ...]) -> Approval | Denial | None:
    is_approved, granted, authenticated_at = row[7:10]
    if is_approved is None:
        return None
    if not is_approved:
        return Denial()
    return Approval(rows.account(row[13:]), rows.given_scopes(granted), rows.moment(authenticated_at))
