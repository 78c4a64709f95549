"""Whether a password is right: the one place that asks, whoever signs somebody in."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gatepass.domain import password
from gatepass.domain.account import MAX_EMAIL_CHARACTERS, NOBODY, EmailAddress, email_address
from gatepass.domain.audit import AuditEvent, Deed, Reason, Result
from gatepass.domain.errors import BadUserInput, FlowUnavailable, HashingFailed, InvalidCredentials, Overloaded
from gatepass.domain.identifiers import SessionId
from gatepass.domain.occasion import Occasion
from gatepass.domain.secret import Secret
from gatepass.usecases.notes import about
from gatepass.usecases.ports import Accounts, AuditLog, AuditTrail, Clock, Directory, Passwords, StoredCredentials
from gatepass.usecases.sign_in_attempts import AttemptingClient, SignInAttempts


@dataclass(frozen=True, slots=True)
class CheckCredentials:
    """
    Checks an e-mail address and a password; opens nothing.

    Who is refused cannot tell why: an unknown, disabled or password-less account, one whose hash is not computed here,
    an unusable password and a wrong one cost the same hashing and get the same `InvalidCredentials`; the audit log has
    the true reason. Each check is an attempt that is counted first; who has too many failures is refused for a while,
    and that too looks the same whoever it is. Fails closed.
    """

    accounts: Accounts
    passwords: Passwords
    attempts: SignInAttempts
    trail: AuditTrail
    clock: Clock
    audit_log: AuditLog
    directory: Directory | None = None

    async def __call__(
        self,
        user_name: str,
        plain: Secret[str],
        occasion: Occasion,
        *,
        use_management_flow: bool = True,
        device_hint: str | None = None,
        session: SessionId | None = None,
        deed: Deed = Deed.SIGN_IN,
    ) -> StoredCredentials:
        """
        The account whose credentials these are, with the hash that the password was checked against.

        What is then stored for it must be stored on condition that the hash is still this one, and after that
        `upgrade_hash` is to be called.

        Args:
            user_name: the e-mail address, in any spelling of it.
            occasion: noted with a refusal; who signs somebody in notes that.
            deed: what the password is for, as a refusal is noted.
            use_management_flow: True asks our own accounts; False the configured external directory, which vouches
                for the password of an account that must exist here.
            device_hint: what an earlier sign-in to this account gave this client, if it kept it.
            session: the sign-in of this account that this client has proven to hold.

        Raises:
            InvalidCredentials: as above.
            RateLimited: too many failures before; nothing was hashed. The first of many such refusals is noted.
            FlowUnavailable: no external directory is configured, or it cannot be asked.
            Overloaded: too many sign-ins wait; nothing was hashed.
        """
        if not use_management_flow and self.directory is None:
            raise FlowUnavailable
        name, stored = await self._find(user_name)
        client = AttemptingClient(occasion.origin.address, device_hint, session)
        refused = AuditEvent(deed, self.clock(), occasion, Result.REFUSED)
        # A name that nobody has is left out: some of those are passwords that were typed into the wrong field.
        # Named either way, though: the clock must not tell which names there are.
        named = about(stored.account if stored else NOBODY, refused)
        refused, account = (named, stored.account.id) if stored else (refused, None)
        async with self.attempts.attempt(name, account, client, refused) as attempt:
            reason = await (self._check_password if use_management_flow else self._ask_directory)(stored, plain)
            attempt.succeeded = reason is None
        if stored is None or reason is not None:
            await self.trail.record(replace(refused, at=self.clock(), reason=reason))
            raise InvalidCredentials
        return stored

    async def upgrade_hash(self, stored: StoredCredentials, plain: Secret[str]) -> None:
        """Re-hash with the live parameters where the stored hash has others. Not being able to refuses nobody."""
        old, prepared = stored.password_hash, password.prepare(plain)
        if old is None or prepared is None or not self.passwords.needs_rehash(old):
            return
        try:
            await self.accounts.upgrade_hash(stored.account.id, old, await self.passwords.hash(prepared))
        except (Overloaded, HashingFailed):
            return

    async def _find(self, user_name: str) -> tuple[str, StoredCredentials | None]:
        """The name that attempts are counted by, and whose it is. What is no address is nobody's name."""
        try:
            email: EmailAddress = email_address(user_name)
        except BadUserInput:
            return user_name.strip()[:MAX_EMAIL_CHARACTERS], None
        return email, await self.accounts.find(email)

    async def _check_password(self, stored: StoredCredentials | None, plain: Secret[str]) -> Reason | None:
        usable = stored.password_hash if stored is not None and stored.account.enabled else None
        is_right = await self.passwords.verify(password.prepare(plain), usable)
        if stored is None or not stored.account.enabled:
            return _why_not(stored)
        if stored.password_hash is None:
            return Reason.NO_PASSWORD
        if is_right:
            return None
        return Reason.WRONG_PASSWORD if self.passwords.can_verify(stored.password_hash) else self._unusable(stored)

    def _unusable(self, stored: StoredCredentials) -> Reason:
        self.audit_log.hash_unusable(stored.account.id)
        return Reason.UNUSABLE_HASH

    async def _ask_directory(self, stored: StoredCredentials | None, plain: Secret[str]) -> Reason | None:
        if self.directory is None or stored is None or not stored.account.enabled:
            return _why_not(stored)
        return None if await self.directory.check(stored.account.email, plain) else Reason.DIRECTORY_SAYS_NO


def _why_not(stored: StoredCredentials | None) -> Reason:
    return Reason.UNKNOWN_ACCOUNT if stored is None else Reason.DISABLED_ACCOUNT
