"""The authorization code: what a browser carries back to the client, good for one session, once, within a minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gatepass.domain import pkce
from gatepass.domain.account import Account, Scope
from gatepass.domain.identifiers import SessionId
from gatepass.domain.one_time_code import NoSession
from gatepass.domain.pkce import CodeChallenge
from gatepass.domain.session import Session

AUTHORIZATION_CODE_TTL: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """
    A code as the store keeps it; the code itself is not in it.

    `redirect_uri` is the one that was asked with, port included. `granted` is what the client was given, None for all
    that the account has. `authenticated_at` is when the password was checked. `session` is what the code was traded
    for, once it was.
    """

    digest: bytes
    account: Account
    client_id: str
    redirect_uri: str
    challenge: CodeChallenge
    granted: tuple[Scope, ...] | None
    authenticated_at: datetime
    expires_at: datetime
    session: SessionId | None = None


@dataclass(frozen=True, slots=True)
class PresentedCode:
    """What a client, authenticated as far as it can be, sends to have a code redeemed."""

    client_id: str
    redirect_uri: str
    verifier: str


AuthorizationCodeJudge = Callable[[AuthorizationCode], Session | NoSession]


def judge(code: AuthorizationCode, presented: PresentedCode, now: datetime) -> NoSession | None:
    """
    Why this code is not to be redeemed; None where it is.

    Another client's attempt changes nothing: it may have been given the code to make it ask (mix-up). The client's own
    second attempt ends what the first one got, with or without the right verifier: two hold one code.

    Source: RFC 6749 §4.1.3 and §10.5, RFC 7636 §4.6, RFC 9700 §4.5.
    """
    if code.client_id != presented.client_id:
        return NoSession.REFUSE
    if code.session is not None:
        return NoSession.REUSE
    is_theirs = code.redirect_uri == presented.redirect_uri and pkce.is_met(code.challenge, presented.verifier)
    if not is_theirs or now >= code.expires_at or not code.account.enabled:
        return NoSession.REFUSE
    return None
