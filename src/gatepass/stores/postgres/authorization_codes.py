"""Authorization codes: kept for a minute, traded once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from gatepass.domain.audit import Note
from gatepass.domain.authorization_code import AuthorizationCode, AuthorizationCodeJudge
from gatepass.domain.identifiers import SessionId
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.pkce import CodeChallenge
from gatepass.domain.secret import Secret
from gatepass.domain.session import SessionOrigin
from gatepass.stores.postgres import codes, rows
from gatepass.stores.postgres.audit import noted
from gatepass.stores.postgres.connection import Connection
from gatepass.stores.postgres.writer import Writer
from gatepass.usecases.ports import AccountChanged, CodeKept, Redemption, Unknown

_TABLE: Final = "authorization_codes"
_ADD: Final = """
INSERT INTO authorization_codes (
    digest, account_id, client_id, redirect_uri, challenge, scopes, authenticated_at, expires_at, address, user_agent
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_OWNER: Final = "SELECT account_id FROM authorization_codes WHERE digest = $1"
_FIND: Final = f"""
SELECT c.client_id, c.redirect_uri, c.challenge, c.scopes, c.authenticated_at, c.expires_at, c.session_id,
       c.address, c.user_agent, {rows.ACCOUNT}
FROM authorization_codes c JOIN accounts a ON a.id = c.account_id WHERE c.digest = $1 FOR UPDATE OF c
"""  # noqa: S608 - constants


class PostgresAuthorizationCodes:
    """See `gatepass.usecases.ports.AuthorizationCodes`."""

    def __init__(self, writer: Writer) -> None:
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
        """Trade a code for a session, exactly once, durably; the judge is asked with the row locked."""
        return await self._writer.do(noted(lambda connection: _redeem(connection, digest, judge, now), note))

    async def sweep(self, expired_before: datetime, limit: int) -> int:
        """Delete codes that nobody redeemed in time."""
        return await codes.sweep(self._writer, _TABLE, expired_before, limit)


async def _add(
    connection: Connection, code: AuthorizationCode, password_hash: Secret[str] | None, origin: SessionOrigin
) -> CodeKept | AccountChanged:
    if not await codes.lock_unchanged(connection, code.account, password_hash):
        return AccountChanged()
    await connection.execute(
        _ADD,
        code.digest,
        code.account.id,
        code.client_id,
        code.redirect_uri,
        code.challenge,
        rows.scopes_or_none(code.granted),
        code.authenticated_at,
        code.expires_at,
        origin.address,
        origin.user_agent,
    )
    return CodeKept()


async def _redeem(connection: Connection, digest: bytes, judge: AuthorizationCodeJudge, now: datetime) -> Redemption:
    owner = await connection.fetchval(_OWNER, digest)
    if owner is None:
        return Unknown()
    await codes.lock_account(connection, owner)
    row = await connection.fetchrow(_FIND, digest)
    if row is None:
        return Unknown()
    code = _code(digest, row)
    decision = judge(code)
    if isinstance(decision, NoSession):
        return await codes.refuse(connection, decision, code.session, now)
    return await codes.trade(connection, _TABLE, digest, decision, SessionOrigin(row["address"], row["user_agent"]))


def _code(digest: bytes, row: Any) -> AuthorizationCode:
    client_id, redirect_uri, challenge, granted, authenticated_at, expires_at, session_id = row[:7]
    return AuthorizationCode(
        digest,
        rows.account(tuple(row[9:])),
        client_id,
        redirect_uri,
        CodeChallenge(challenge),
        rows.given_scopes(granted),
        authenticated_at,
        expires_at,
        None if session_id is None else SessionId(session_id),
    )
