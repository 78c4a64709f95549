"""A client that acts for itself: no password, no person, and no refresh token."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gatepass.domain.access_token import IssuedAccess
from gatepass.domain.account import Scope
from gatepass.domain.audit import Deed
from gatepass.domain.client import Client
from gatepass.domain.errors import GrantRefused
from gatepass.domain.occasion import Occasion
from gatepass.usecases.issue_tokens import IssueTokens
from gatepass.usecases.new_session import NewSession
from gatepass.usecases.notes import of_session, unless_changed
from gatepass.usecases.ports import AccountChanged, Clock, Sessions

_NOT_ITSELF = "This client does not act for itself (any more): its account is disabled, or it never had one."


@dataclass(frozen=True, slots=True)
class SignInService:
    """
    Opens a session of a client's own, which lasts as long as its access token. Fails closed.

    So it can be seen, revoked and disabled like anybody's.
    """

    sessions: Sessions
    new_session: NewSession
    issue_tokens: IssueTokens
    clock: Clock

    async def __call__(self, client: Client, scopes: tuple[Scope, ...], occasion: Occasion) -> IssuedAccess:
        """
        An access token for a client that was authenticated.

        Raises:
            GrantRefused: it has no account of its own, or that is disabled; nothing was written.

        Source: RFC 6749 §4.4.
        """
        account = client.own_account
        if account is None:
            raise GrantRefused(_NOT_ITSELF)
        now = self.clock()
        session = self.new_session(
            account, now, client_id=client.id, granted=scopes, lifetime=self.issue_tokens.access_ttl
        )
        note = unless_changed(replace(of_session(Deed.SIGN_IN, session, now, occasion), detail="client_credentials"))
        if isinstance(await self.sessions.open(session, None, occasion.origin, note=note), AccountChanged):
            raise GrantRefused(_NOT_ITSELF)
        return self.issue_tokens.access(session, now, methods=())
