"""A device asks whether somebody has let it in."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.domain import device_code, one_time_code
from gatepass.domain.access_token import IssuedTokens
from gatepass.domain.device_code import Approval, DeviceCode, Wait
from gatepass.domain.errors import CodeDenied, CodeExpired, CodeRefused
from gatepass.domain.occasion import Occasion
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.secret import Secret
from gatepass.domain.session import Session
from gatepass.usecases.issue_tokens import IssueTokens
from gatepass.usecases.new_session import NewSession
from gatepass.usecases.notes import of_redemption
from gatepass.usecases.ports import (
    AuditLog,
    Clock,
    CodeReused,
    DeviceCodes,
    NotRedeemed,
    Redeemed,
    Unknown,
)


@dataclass(frozen=True, slots=True)
class PollDevice:
    """Trades an approved device code for a session, once. Fails closed."""

    codes: DeviceCodes
    new_session: NewSession
    issue_tokens: IssueTokens
    clock: Clock
    audit_log: AuditLog

    async def __call__(self, code: Secret[str], client_id: str, occasion: Occasion) -> IssuedTokens | Wait:
        """
        The tokens of the device's session, or that it has to wait.

        Raises:
            CodeDenied: somebody said no. CodeExpired: nobody said anything in time.
            CodeRefused: unknown or another client's; traded before, and then what it gave is revoked.

        Source: RFC 8628 §3.4 and §3.5.
        """
        now = self.clock()

        def decide(stored: DeviceCode) -> Session | Wait | NoSession:
            decision = device_code.judge(stored, client_id, now)
            if not isinstance(decision, Approval):
                return decision
            return self.new_session(
                decision.account,
                now,
                client_id=client_id,
                granted=decision.granted,
                authenticated_at=decision.authenticated_at,
            )

        note = of_redemption(client_id, "device_code", now, occasion)
        match await self.codes.poll(one_time_code.digest(code.reveal()), decide, now, note=note):
            case Redeemed(session):
                return self.issue_tokens(session, now)
            case Wait() as wait:
                return wait
            case CodeReused(session_id):
                self.audit_log.code_reused(session_id, client_id)
                raise CodeRefused
            case NotRedeemed(NoSession.EXPIRED):
                raise CodeExpired
            case NotRedeemed(NoSession.DENIED):
                raise CodeDenied
            case NotRedeemed() | Unknown():
                raise CodeRefused
