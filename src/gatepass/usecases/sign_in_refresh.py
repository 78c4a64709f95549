"""signInRefresh: a refresh token for the next pair. The OAuth refresh grant is a second door to this."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatepass.domain import refresh_token, scope_request
from gatepass.domain.access_token import FIRST_PARTY_CLIENT, IssuedTokens
from gatepass.domain.account import Scope
from gatepass.domain.errors import FlowUnavailable, InvalidRefreshToken, ScopeRefused
from gatepass.domain.occasion import Occasion
from gatepass.domain.refresh_token import RefreshKey, RefreshToken
from gatepass.domain.rotation import Verdict, judge
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session, SessionLimits
from gatepass.usecases.issue_tokens import IssueTokens
from gatepass.usecases.notes import OfRotation
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

    async def __call__(
        self,
        presented: Secret[str],
        occasion: Occasion,
        *,
        use_management_flow: bool = True,
        client_id: str = FIRST_PARTY_CLIENT,
        scopes: tuple[Scope, ...] | None = None,
    ) -> IssuedTokens:
        """
        Trade a refresh token for its successor and a fresh access token.

        Args:
            use_management_flow: False is refused where no external directory is configured, as at sign-in; the session
                is ours in either flow.
            client_id: who asks, authenticated as far as it can be. A token belongs to the client that it was given to.
            scopes: what the access token is to say, where that is less than the session has.

        Raises:
            FlowUnavailable: nothing was written.
            InvalidRefreshToken: not ours, another client's, expired, revoked or spent. Nothing was written, except that
                a spent token outside the replay window revoked its session.
            ScopeRefused: more scopes than the client was given; nothing was written.

        Source: RFC 6749 §6 and §10.4, RFC 9700 §4.14.2.
        """
        if not use_management_flow and not self.has_directory:
            raise FlowUnavailable
        token = refresh_token.parse(presented.reveal())
        key = self.refresh_keys.find(token.key_id) or await self.refresh_keys.find_anew(token.key_id)
        if key is None:
            raise InvalidRefreshToken
        now = self.clock()
        verdict = _Verdict(token, key, now, self.limits, client_id, scopes)
        outcome = await self.sessions.rotate(token.session, verdict, now, note=OfRotation(now, occasion))
        match outcome:
            case Rotated(session) | Replayed(session):
                return self.issue_tokens(session, now, scopes)
            case Reused(session):
                self.audit_log.refresh_token_reused(session)
                raise InvalidRefreshToken
            case Unknown():
                raise verdict.widens or InvalidRefreshToken


@dataclass(slots=True)
class _Verdict:
    """
    What to do with a session for which this token was presented.

    The MAC first: whoever cannot make it learns nothing of the session and cannot revoke it. `widens` is why the last
    verdict was a refusal, where it was one for its scopes.
    """

    token: RefreshToken
    key: RefreshKey
    now: datetime
    limits: SessionLimits
    client_id: str
    scopes: tuple[Scope, ...] | None
    widens: ScopeRefused | None = None

    def __call__(self, session: Session) -> Verdict:
        self.widens = None
        is_theirs = session.client_id == self.client_id
        if not refresh_token.is_authentic(self.token, self.key, session.salt) or not is_theirs:
            return Verdict.REFUSE
        verdict = judge(session, self.token.generation, self.now, self.limits)
        return self._narrowed(session, verdict) if self.scopes is not None else verdict

    def _narrowed(self, session: Session, verdict: Verdict) -> Verdict:
        if verdict not in (Verdict.ROTATE, Verdict.REPLAY):
            return verdict
        try:
            scope_request.narrowed(self.scopes, session.account.scopes if session.granted is None else session.granted)
        except ScopeRefused as refused:
            self.widens = refused
            return Verdict.REFUSE
        return verdict
