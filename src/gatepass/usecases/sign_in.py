"""signIn: an e-mail address and a password for a pair of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatepass.domain import password
from gatepass.domain.access_token import FIRST_PARTY_CLIENT, IssuedTokens
from gatepass.domain.account import EmailAddress, email_address
from gatepass.domain.errors import BadUserInput, FlowUnavailable, HashingFailed, InvalidCredentials, Overloaded
from gatepass.domain.identifiers import RANDOM_BYTES, SessionId, uuid7
from gatepass.domain.secret import Secret
from gatepass.domain.session import FIRST_GENERATION, SALT_BYTES, Session, SessionLimits
from gatepass.usecases.issue_tokens import IssueTokens
from gatepass.usecases.ports import (
    AccountChanged,
    Accounts,
    Clock,
    Directory,
    Passwords,
    RandomBytes,
    Sessions,
    StoredCredentials,
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """
    Checks credentials and opens a session.

    Who is refused cannot tell why: an unknown, disabled or password-less account, an unusable password and a wrong
    one cost the same hashing and get the same `InvalidCredentials`. Fails closed.
    """

    accounts: Accounts
    sessions: Sessions
    passwords: Passwords
    issue_tokens: IssueTokens
    clock: Clock
    random: RandomBytes
    limits: SessionLimits
    directory: Directory | None = None

    async def __call__(self, user_name: str, plain: Secret[str], *, use_management_flow: bool) -> IssuedTokens:
        """
        Sign in.

        Args:
            user_name: the e-mail address, in any spelling of it.
            use_management_flow: True asks our own accounts; False the configured external directory, which vouches
                for the password of an account that must exist here.

        Raises:
            InvalidCredentials: nothing was written.
            FlowUnavailable: no external directory is configured, or it cannot be asked; nothing was written.
            Overloaded: too many sign-ins wait; nothing was hashed or written.
        """
        if not use_management_flow and self.directory is None:
            raise FlowUnavailable
        stored = await self._find(user_name)
        if use_management_flow:
            await self._check_password(stored, plain)
        else:
            await self._ask_directory(stored, plain)
        if stored is None or not stored.account.enabled:
            raise InvalidCredentials
        now = self.clock()
        session = self._new_session(stored, now)
        if isinstance(await self.sessions.open(session, stored.password_hash), AccountChanged):
            raise InvalidCredentials
        if use_management_flow:
            await self._upgrade_hash(stored, plain)
        return self.issue_tokens(session, now)

    async def _find(self, user_name: str) -> StoredCredentials | None:
        try:
            email: EmailAddress = email_address(user_name)
        except BadUserInput:
            return None
        return await self.accounts.find(email)

    async def _check_password(self, stored: StoredCredentials | None, plain: Secret[str]) -> None:
        usable = stored.password_hash if stored is not None and stored.account.enabled else None
        if not await self.passwords.verify(password.prepare(plain), usable):
            raise InvalidCredentials

    async def _ask_directory(self, stored: StoredCredentials | None, plain: Secret[str]) -> None:
        if self.directory is None or stored is None or not stored.account.enabled:
            raise InvalidCredentials
        if not await self.directory.check(stored.account.email, plain):
            raise InvalidCredentials

    def _new_session(self, stored: StoredCredentials, now: datetime) -> Session:
        return Session(
            id=SessionId(uuid7(now, self.random(RANDOM_BYTES))),
            account=stored.account,
            client_id=FIRST_PARTY_CLIENT,
            salt=self.random(SALT_BYTES),
            generation=FIRST_GENERATION,
            opened_at=now,
            rotated_at=now,
            ends_at=now + self.limits.absolute,
        )

    async def _upgrade_hash(self, stored: StoredCredentials, plain: Secret[str]) -> None:
        """Re-hash with the live parameters where the stored hash has others. Not being able to refuses nobody."""
        old, prepared = stored.password_hash, password.prepare(plain)
        if old is None or prepared is None or not self.passwords.needs_rehash(old):
            return
        try:
            await self.accounts.upgrade_hash(stored.account.id, old, await self.passwords.hash(prepared))
        except (Overloaded, HashingFailed):
            return
