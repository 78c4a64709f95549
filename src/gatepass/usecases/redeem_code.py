"""An authorization code for a pair of tokens."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.domain import authorization_code, one_time_code
from gatepass.domain.access_token import IssuedTokens
from gatepass.domain.authorization_code import AuthorizationCode, PresentedCode
from gatepass.domain.errors import CodeRefused
from gatepass.domain.occasion import Occasion
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session
from gatepass.usecases.issue_tokens import IssueTokens
from gatepass.usecases.new_session import NewSession
from gatepass.usecases.notes import of_redemption
from gatepass.usecases.ports import (
    AuditLog,
    AuthorizationCodes,
    Clock,
    CodeReused,
    NotRedeemed,
    Redeemed,
    Unknown,
)


@dataclass(frozen=True, slots=True)
class RedeemCode:
    """Trades a code for a session, once. Fails closed."""

    codes: AuthorizationCodes
    new_session: NewSession
    issue_tokens: IssueTokens
    clock: Clock
    audit_log: AuditLog

    async def __call__(self, code: Secret[str], presented: PresentedCode, occasion: Occasion) -> IssuedTokens:
        """
        The tokens of the session that the code stands for.

        Args:
            presented: whose client it is that asks, authenticated, and with what.

        Raises:
            CodeRefused: unknown, expired, another client's, or with another redirect URI or verifier: nothing was
                written. Traded before: what it gave is revoked.

        Source: RFC 6749 §4.1.3 and §4.1.4, RFC 7636 §4.6.
        """
        now = self.clock()

        def decide(stored: AuthorizationCode) -> Session | NoSession:
            refused = authorization_code.judge(stored, presented, now)
            return refused or self.new_session(
                stored.account,
                now,
                client_id=stored.client_id,
                granted=stored.granted,
                authenticated_at=stored.authenticated_at,
            )

        note = of_redemption(presented.client_id, "authorization_code", now, occasion)
        match await self.codes.redeem(one_time_code.digest(code.reveal()), decide, now, note=note):
            case Redeemed(session):
                return self.issue_tokens(session, now)
            case CodeReused(session_id):
                self.audit_log.code_reused(session_id, presented.client_id)
                raise CodeRefused
            case NotRedeemed() | Unknown():
                raise CodeRefused
