"""Authorization codes: kept for a minute, traded once."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from gatepass.domain.audit import Note
from gatepass.domain.authorization_code import AuthorizationCode, AuthorizationCodeJudge
from gatepass.domain.identifiers import SessionId
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.pkce import CodeChallenge
from gatepass.domain.secret import Secret
from gatepass.domain.session import SessionOrigin
from gatepass.stores.sqlite import codes, rows
from gatepass.stores.sqlite.audit import noted
from gatepass.stores.sqlite.worker import Worker
from gatepass.usecases.ports import AccountChanged, CodeKept, Redemption, Unknown

_TABLE: Final = "authorization_codes"
_ADD: Final = """
INSERT INTO authorization_codes (
    digest, account_id, client_id, redirect_uri, challenge, scopes, authenticated_at, expires_at, address, user_agent
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FIND: Final = f"""
SELECT c.client_id, c.redirect_uri, c.challenge, c.scopes, c.authenticated_at, c.expires_at, c.session_id,
       c.address, c.user_agent, {rows.ACCOUNT}
FROM authorization_codes c JOIN accounts a ON a.id = c.account_id WHERE c.digest = ?
"""  # noqa: S608 - constants


class SqliteAuthorizationCodes:
    """See `gatepass.usecases.ports.AuthorizationCodes`."""

    def __init__(self, writer: Worker) -> None:
        self._writer = writer

    async def add(
        self,
        code: AuthorizationCode,
        password_hash: Secret[str] | None,
        origin: SessionOrigin,
        *,
        note: Note[CodeKept | AccountChanged] | None = None,
    ) -> CodeKept | AccountChanged:
        """Store a code, if its account is still what the password was checked against."""
        return await self._writer.do(noted(lambda connection: _add(connection, code, password_hash, origin), note))

    async def redeem(
        self, digest: bytes, judge: AuthorizationCodeJudge, now: datetime, *, note: Note[Redemption] | None = None
    ) -> Redemption:
        """Trade a code for a session, exactly once, durably; the judge runs in the writer's thread."""
        return await self._writer.do(noted(lambda connection: _redeem(connection, digest, judge, now), note))

    async def sweep(self, expired_before: datetime, limit: int) -> int:
        """Delete codes that nobody redeemed in time."""
        return await self._writer.do(lambda connection: codes.sweep(connection, _TABLE, expired_before, limit))


def _add(
    connection: sqlite3.Connection, code: AuthorizationCode, password_hash: Secret[str] | None, origin: SessionOrigin
) -> CodeKept | AccountChanged:
    if not codes.account_is_unchanged(connection, code.account, password_hash):
        return AccountChanged()
    connection.execute(
        _ADD,
        (
            code.digest,
            code.account.id.bytes,
            code.client_id,
            code.redirect_uri,
            code.challenge,
            rows.scopes_or_none(code.granted),
            rows.microseconds(code.authenticated_at),
            rows.microseconds(code.expires_at),
            origin.address,
            origin.user_agent,
        ),
    )
    return CodeKept()


def _redeem(connection: sqlite3.Connection, digest: bytes, judge: AuthorizationCodeJudge, now: datetime) -> Redemption:
    row = connection.execute(_FIND, (digest,)).fetchone()
    if row is None:
        return Unknown()
    code = _code(digest, row)
    decision = judge(code)
    if isinstance(decision, NoSession):
        return codes.refuse(connection, decision, code.session, now)
    address, user_agent = row[7:9]
    return codes.trade(connection, _TABLE, digest, decision, SessionOrigin(address, user_agent))


def _code(digest: bytes, row: tuple[Any, ...]) -> AuthorizationCode:
    client_id, redirect_uri, challenge, granted, authenticated_at, expires_at, session_id = row[:7]
    return AuthorizationCode(
        digest,
        rows.account(row[9:]),
        client_id,
        redirect_uri,
        CodeChallenge(challenge),
        rows.given_scopes(granted),
        rows.moment(authenticated_at),
        rows.moment(expires_at),
        None if session_id is None else SessionId(UUID(bytes=session_id)),
    )
