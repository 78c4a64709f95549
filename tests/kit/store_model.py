"""A store in plain dictionaries, slow and obvious: what every store is held against."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from gatepass.domain.access_token import MAX_ACCESS_TTL, MAX_LEEWAY
from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.identifiers import AccountId, Generation, SessionId
from gatepass.domain.rotation import Judge, Verdict
from gatepass.domain.session import Session
from gatepass.usecases.ports import (
    AccountChanged,
    Added,
    EmailTaken,
    Opened,
    Replayed,
    Reused,
    Rotated,
    Rotation,
    Unknown,
)

LIFE = MAX_ACCESS_TTL + MAX_LEEWAY


@dataclass
class ModelStore:
    """`issued` remembers when each session last got an access token, `refused` which sessions were revoked."""

    accounts: dict[AccountId, Account] = field(default_factory=dict)
    hashes: dict[AccountId, str | None] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    issued: dict[SessionId, datetime] = field(default_factory=dict)
    refused: set[SessionId] = field(default_factory=set)

    def add(self, account: Account, password_hash: str | None) -> Added | EmailTaken:
        if self.find(account.email):
            return EmailTaken()
        self.accounts[account.id] = account
        self.hashes[account.id] = password_hash
        return Added()

    def find(self, email: EmailAddress) -> Account | None:
        return next((account for account in self.accounts.values() if account.email == email), None)

    def set_password(self, account: AccountId, password_hash: str, now: datetime) -> bool:
        if account not in self.accounts:
            return False
        self.hashes[account] = password_hash
        self.revoke_all(account, now)
        return True

    def upgrade_hash(self, account: AccountId, old: str, new: str) -> bool:
        if self.hashes.get(account) != old:
            return False
        self.hashes[account] = new
        return True

    def set_enabled(self, account: AccountId, enabled: bool, now: datetime) -> bool:
        if account not in self.accounts:
            return False
        row = self.accounts[account]
        disabled_at = None if enabled else row.disabled_at or now
        self.accounts[account] = replace(row, disabled_at=disabled_at)
        if not enabled:
            self.revoke_all(account, now)
        return True

    def remove(self, account: AccountId, now: datetime) -> bool:
        if account not in self.accounts:
            return False
        self.revoke_all(account, now)
        self.sessions = {id_: row for id_, row in self.sessions.items() if row.account.id != account}
        del self.accounts[account], self.hashes[account]
        return True

    def open(self, session: Session, password_hash: str | None) -> Opened | AccountChanged:
        account = self.accounts.get(session.account.id)
        if account is None or not account.enabled or self.hashes[account.id] != password_hash:
            return AccountChanged()
        self.sessions[session.id] = session
        self.issued[session.id] = session.opened_at
        return Opened()

    def stored(self, session: SessionId) -> Session | None:
        row = self.sessions.get(session)
        return row and replace(row, account=self.accounts[row.account.id])

    def rotate(self, session: SessionId, judge: Judge, now: datetime) -> Rotation:
        row = self.stored(session)
        if row is None:
            return Unknown()
        match judge(row):
            case Verdict.ROTATE:
                self.sessions[session] = replace(row, generation=Generation(row.generation + 1), rotated_at=now)
                self.issued[session] = now
                return Rotated(self.sessions[session])
            case Verdict.REPLAY:
                self.issued[session] = now
                return Replayed(row)
            case Verdict.REUSE:
                self.revoke(session, now)
                return Reused(replace(row, revoked_at=now))
            case Verdict.REFUSE:
                return Unknown()

    def revoke(self, session: SessionId, now: datetime) -> bool:
        row = self.sessions.get(session)
        if row is None or row.revoked_at is not None or row.ends_at + LIFE <= now:
            return False
        self.sessions[session] = replace(row, revoked_at=now)
        self.refused.add(session)
        return True

    def revoke_all(self, account: AccountId, now: datetime) -> int:
        own = [id_ for id_, row in self.sessions.items() if row.account.id == account]
        return sum(self.revoke(session, now) for session in own)

    def sweep(self, ended_before: datetime, idle_since: datetime) -> None:
        self.sessions = {
            id_: row
            for id_, row in self.sessions.items()
            if row.ends_at >= ended_before
            and row.rotated_at >= idle_since
            and (row.revoked_at is None or row.revoked_at >= ended_before)
        }

    def must_be_announced(self, now: datetime) -> set[SessionId]:
        """Revoked sessions with an access token that could still be accepted."""
        return {session for session in self.refused if self.issued[session] + LIFE > now}
