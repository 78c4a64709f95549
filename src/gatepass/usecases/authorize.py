"""Somebody signs in for a client, and the client gets a code to fetch its tokens with."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.domain import one_time_code
from gatepass.domain.account import Scope
from gatepass.domain.audit import AuditEvent, Deed
from gatepass.domain.authorization_code import AUTHORIZATION_CODE_TTL, AuthorizationCode
from gatepass.domain.errors import InvalidCredentials
from gatepass.domain.occasion import Occasion
from gatepass.domain.one_time_code import AUTHORIZATION_CODE_PREFIX, CODE_RANDOM_BYTES
from gatepass.domain.pkce import CodeChallenge
from gatepass.domain.secret import Secret
from gatepass.usecases.check_credentials import CheckCredentials
from gatepass.usecases.notes import about, unless_changed
from gatepass.usecases.ports import AccountChanged, AuthorizationCodes, Clock, RandomBytes


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """
    What a client asks for, after all of it was checked: the client is known, the address is one of its own.

    `scopes` are what it may have at most, None for all that the account has; the account may have less.
    """

    client_id: str
    redirect_uri: str
    challenge: CodeChallenge
    scopes: tuple[Scope, ...] | None


@dataclass(frozen=True, slots=True)
class Authorize:
    """Checks credentials and issues an authorization code. Fails closed."""

    check_credentials: CheckCredentials
    codes: AuthorizationCodes
    clock: Clock
    random: RandomBytes

    async def __call__(self, asked: CodeRequest, user_name: str, plain: Secret[str], occasion: Occasion) -> Secret[str]:
        """
        The code, good for a minute and once.

        Args:
            occasion: of the browser; whoever looks at their sessions will know it.

        Raises:
            InvalidCredentials: nothing was written.
            RateLimited: too many failures before; nothing was hashed or written.
            Overloaded: too many sign-ins wait; nothing was hashed or written.

        Source: RFC 6749 §4.1.2.
        """
        stored = await self.check_credentials(user_name, plain, occasion)
        now = self.clock()
        code = one_time_code.make(AUTHORIZATION_CODE_PREFIX, self.random(CODE_RANDOM_BYTES))
        kept = AuthorizationCode(
            digest=one_time_code.digest(code.reveal()),
            account=stored.account,
            client_id=asked.client_id,
            redirect_uri=asked.redirect_uri,
            challenge=asked.challenge,
            granted=asked.scopes,
            authenticated_at=now,
            expires_at=now + AUTHORIZATION_CODE_TTL,
        )
        event = about(stored.account, AuditEvent(Deed.CLIENT_ALLOWED, now, occasion, client_id=asked.client_id))
        added = await self.codes.add(kept, stored.password_hash, occasion.origin, note=unless_changed(event))
        if isinstance(added, AccountChanged):
            raise InvalidCredentials
        await self.check_credentials.upgrade_hash(stored, plain)
        return code
