"""signIn: an e-mail address and a password for a pair of tokens."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.domain.access_token import IssuedTokens
from gatepass.domain.audit import Deed
from gatepass.domain.errors import InvalidCredentials
from gatepass.domain.occasion import Occasion
from gatepass.domain.secret import Secret
from gatepass.usecases.check_credentials import CheckCredentials
from gatepass.usecases.issue_tokens import IssueTokens
from gatepass.usecases.new_session import NewSession
from gatepass.usecases.notes import of_session, unless_changed
from gatepass.usecases.ports import AccountChanged, Clock, Sessions


@dataclass(frozen=True, slots=True)
class SignIn:
    """Checks credentials and opens a session. Fails closed."""

    check_credentials: CheckCredentials
    sessions: Sessions
    new_session: NewSession
    issue_tokens: IssueTokens
    clock: Clock

    async def __call__(
        self,
        user_name: str,
        plain: Secret[str],
        occasion: Occasion,
        *,
        use_management_flow: bool,
        device_hint: str | None = None,
    ) -> IssuedTokens:
        """
        Sign in.

        Args:
            user_name: the e-mail address, in any spelling of it.
            occasion: whoever looks at their sessions will know it.
            use_management_flow: True asks our own accounts; False the configured external directory, which vouches
                for the password of an account that must exist here.
            device_hint: what an earlier sign-in to this account gave this client, if it kept it.

        Raises:
            InvalidCredentials: nothing was written.
            FlowUnavailable: no external directory is configured, or it cannot be asked; nothing was written.
            RateLimited: too many failures before; nothing was hashed or written.
            Overloaded: too many sign-ins wait; nothing was hashed or written.
        """
        stored = await self.check_credentials(
            user_name, plain, occasion, use_management_flow=use_management_flow, device_hint=device_hint
        )
        now = self.clock()
        session = self.new_session(stored.account, now)
        note = unless_changed(of_session(Deed.SIGN_IN, session, now, occasion))
        opened = await self.sessions.open(session, stored.password_hash, occasion.origin, note=note)
        if isinstance(opened, AccountChanged):
            raise InvalidCredentials
        if use_management_flow:
            await self.check_credentials.upgrade_hash(stored, plain)
        return self.issue_tokens(session, now)
