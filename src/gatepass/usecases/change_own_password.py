"""changePassword: somebody who is signed in sets another password, and proves that it is them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gatepass.domain import password
from gatepass.domain.access_token import Caller
from gatepass.domain.account import EmailAddress
from gatepass.domain.audit import AuditEvent, Deed
from gatepass.domain.errors import BadUserInput, InvalidCredentials
from gatepass.domain.identifiers import SessionId
from gatepass.domain.occasion import Occasion
from gatepass.domain.secret import Secret
from gatepass.usecases.caller_account import own_session
from gatepass.usecases.check_credentials import CheckCredentials
from gatepass.usecases.notes import unless_changed
from gatepass.usecases.ports import AccountChanged, Accounts, Clock, Passwords, StoredCredentials
from gatepass.usecases.show_account import ShowAccount

_WRONG: Final = "The current password is wrong."


@dataclass(frozen=True, slots=True)
class ChangeOwnPassword:
    """
    Replaces a password by who knows it.

    A stolen bearer alone must not be enough to take an account over, and guessing with one must not be cheaper than
    signing in: the current password is checked as an attempt like any other. Fails closed.
    """

    accounts: Accounts
    passwords: Passwords
    check_credentials: CheckCredentials
    show_account: ShowAccount
    clock: Clock

    async def __call__(
        self,
        caller: Caller,
        current: Secret[str],
        new: Secret[str],
        occasion: Occasion,
        *,
        ends_others: bool,
    ) -> int:
        """
        Replace the password. This sign-in goes on.

        Args:
            ends_others: whether every other sign-in of the account ends with it.

        Returns:
            How many sign-ins ended.

        Raises:
            BadUserInput: the new password cannot be used; nothing was checked or written.
            InvalidCredentials: the current one is wrong, or was changed meanwhile; nothing was written.
            Forbidden, Unauthenticated: the token may not do that; nothing was written.
            Overloaded, RateLimited: as at a sign-in; nothing was written.

        Source: OWASP ASVS 5.0 V6.2.2 and V6.2.3.
        """
        account = await self.show_account(caller)
        prepared = password.check_new(new, account.email)
        if new.reveal() == current.reveal():
            raise BadUserInput("The new password is the current one: choose another.")
        here = own_session(caller)
        stored = await self._checked(account.email, current, occasion, here)
        if stored.password_hash is None:
            raise InvalidCredentials(_WRONG)
        new_hash = await self.passwords.hash(prepared)
        now = self.clock()
        event = AuditEvent(Deed.PASSWORD_CHANGED, now, occasion, account=account.id, email=account.email, session=here)
        ended = await self.accounts.replace_password(
            account.id,
            stored.password_hash,
            new_hash,
            now,
            others_of=here if ends_others else None,
            note=unless_changed(event),
        )
        if isinstance(ended, AccountChanged):
            raise InvalidCredentials(_WRONG)
        return ended

    async def _checked(
        self, email: EmailAddress, current: Secret[str], occasion: Occasion, session: SessionId
    ) -> StoredCredentials:
        try:
            return await self.check_credentials(email, current, occasion, session=session, deed=Deed.PASSWORD_CHANGED)
        except InvalidCredentials:
            raise InvalidCredentials(_WRONG) from None
