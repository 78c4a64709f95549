"""signInRefresh: a refresh token for the next pair. The OAuth refresh grant is a second door to this."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatepass.domain import refresh_token
from gatepass.domain.access_token import IssuedTokens
from gatepass.domain.errors import FlowUnavailable, InvalidRefreshToken
from gatepass.domain.refresh_token import RefreshKey, RefreshToken
from gatepass.domain.rotation import Judge, Verdict, judge
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session, SessionLimits
from gatepass.usecases.issue_tokens import IssueTokens
from gatepass.usecases.ports import AuditLog, Clock, RefreshKeys, Replayed, Reused, Rotated, Sessions, Unknown


@dataclass(frozen=True, slots=True)
class SignInRefresh:
    """Rotates a session: one MAC, one queued write, one signature. Fails closed."""

    sessions: Sessions
    refresh_keys: RefreshKeys
    issue_tokens: IssueTokens
    clock: Clock
    limits: SessionLimits
    audit_log: AuditLog
    has_directory: bool = False

    async def __call__(self, presented: Secret[str], *, use_management_flow: bool) -> IssuedTokens:
        """
        Trade a refresh token for its successor and a fresh access token.

        Args:
            use_management_flow: False is refused where no external directory is configured, as at sign-in; the session
                is ours in either flow.

        Raises:
            FlowUnavailable: nothing was written.
            InvalidRefreshToken: not ours, expired, revoked or spent. Nothing was written, except that a spent token
                outside the replay window revoked its session.

        Source: RFC 6749 §6, RFC 9700 §4.14.2.
        """
        if not use_management_flow and not self.has_directory:
            raise FlowUnavailable
        token = refresh_token.parse(presented.reveal())
        key = self.refresh_keys.find(token.key_id) or await self.refresh_keys.find_anew(token.key_id)
        if key is None:
            raise InvalidRefreshToken
        now = self.clock()
        outcome = await self.sessions.rotate(token.session, _judge_of(token, key, now, self.limits), now)
        match outcome:
            case Rotated(session) | Replayed(session):
                return self.issue_tokens(session, now)
            case Reused(session):
                self.audit_log.refresh_token_reused(session)
                raise InvalidRefreshToken
            case Unknown():
                raise InvalidRefreshToken


def _judge_of(token: RefreshToken, key: RefreshKey, now: datetime, limits: SessionLimits) -> Judge:
    """The MAC first: whoever cannot make it learns nothing of the session and cannot revoke it."""

    def verdict(session: Session) -> Verdict:
        if not refresh_token.is_authentic(token, key, session.salt):
            return Verdict.REFUSE
        return judge(session, token.generation, now, limits)

    return verdict
