"""What a token that somebody sends stands for, whichever of the two kinds it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gatepass.domain import refresh_token
from gatepass.domain.access_token import AccessClaims
from gatepass.domain.errors import InvalidRefreshToken, Unauthenticated, UnknownSigningKey
from gatepass.domain.rotation import Verdict, judge
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session, SessionLimits
from gatepass.usecases.ports import AccessTokens, Clock, RefreshKeys, Sessions
from gatepass.usecases.revoked_sessions import RevokedSessions


@dataclass(frozen=True, slots=True)
class LookUpToken:
    """
    Reads tokens without using them up. Nothing is written, whatever comes.

    `catch_up` learns the keys that another process has begun to sign with.
    """

    access_tokens: AccessTokens
    refresh_keys: RefreshKeys
    sessions: Sessions
    revoked: RevokedSessions
    limits: SessionLimits
    clock: Clock
    catch_up: Callable[[], Awaitable[None]]

    async def __call__(self, token: Secret[str], *, spent_too: bool = False) -> AccessClaims | Session | None:
        """
        The claims of an access token, or the session of a refresh token; None of one that is not good (any more).

        Args:
            spent_too: whether a refresh token counts that has been traded for another.

        Raises:
            StoreUnavailable: not known.
        """
        if token.reveal().startswith(refresh_token.PREFIX):
            return await self._session(token, spent_too=spent_too)
        try:
            claims = await self._claims(token)
        except Unauthenticated:
            return None
        return None if self.revoked.contains(claims.session) else claims

    async def _claims(self, token: Secret[str]) -> AccessClaims:
        try:
            return self.access_tokens.verify(token.reveal(), self.clock())
        except UnknownSigningKey:
            await self.catch_up()
        return self.access_tokens.verify(token.reveal(), self.clock())

    async def _session(self, token: Secret[str], *, spent_too: bool) -> Session | None:
        try:
            presented = refresh_token.parse(token.reveal())
        except InvalidRefreshToken:
            return None
        key = self.refresh_keys.find(presented.key_id)
        if key is None:
            return None
        now = self.clock()
        found: list[Session] = []

        def look(session: Session) -> Verdict:
            found.clear()
            if refresh_token.is_authentic(presented, key, session.salt):
                verdict = judge(session, presented.generation, now, self.limits)
                is_good = verdict in (Verdict.ROTATE, Verdict.REPLAY) or (spent_too and verdict is Verdict.REUSE)
                found.extend([session] if is_good else [])
            return Verdict.REFUSE

        await self.sessions.rotate(presented.session, look, now)
        return found[0] if found else None
