"""The pair of tokens that a session stands for at one generation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepass.domain import base64url, refresh_token
from gatepass.domain.access_token import AccessClaims, IssuedTokens
from gatepass.domain.session import Session
from gatepass.usecases.ports import AccessTokens, RandomBytes, RefreshKeys

TOKEN_ID_BYTES = 12


@dataclass(frozen=True, slots=True)
class IssueTokens:
    """Makes the pair for a session; shared by sign-in, refresh and every later grant, so that none can differ."""

    access_tokens: AccessTokens
    refresh_keys: RefreshKeys
    random: RandomBytes
    issuer: str
    audience: str
    access_ttl: timedelta

    def __call__(self, session: Session, now: datetime) -> IssuedTokens:
        """
        A fresh access token, and the refresh token of the session's generation.

        Raises:
            KeyUnusable: a key is missing; nothing was issued.
        """
        issued_at = now.replace(microsecond=0)
        scopes = session.scopes
        claims = AccessClaims(
            self.issuer,
            self.audience,
            session.account.id,
            session.id,
            session.client_id,
            scopes,
            issued_at,
            issued_at + self.access_ttl,
            session.opened_at,
            base64url.encode(self.random(TOKEN_ID_BYTES)).decode("ascii"),
        )
        refresh = refresh_token.mint(self.refresh_keys.active(), session.id, session.generation, session.salt)
        return IssuedTokens(self.access_tokens.sign(claims), refresh, issued_at, self.access_ttl, scopes)
