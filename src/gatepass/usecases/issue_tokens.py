"""The pair of tokens that a session stands for at one generation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepass.domain import base64url, device_hint, refresh_token
from gatepass.domain.access_token import PASSWORD, AccessClaims, IssuedAccess, IssuedTokens
from gatepass.domain.account import Scope
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

    def __call__(self, session: Session, now: datetime, scopes: tuple[Scope, ...] | None = None) -> IssuedTokens:
        """
        A fresh access token, and the refresh token of the session's generation.

        Args:
            scopes: what this access token may say at most; the refresh token is that of the session all the same.

        Raises:
            KeyUnusable: a key is missing; nothing was issued.
        """
        access, key = self.access(session, now, scopes), self.refresh_keys.active()
        return IssuedTokens(
            access.access_token,
            refresh_token.mint(key, session.id, session.generation, session.salt),
            access.issued_at,
            access.expires_in,
            lambda: device_hint.mint(key, session.account.id, session.id, access.issued_at),
            access.scopes,
        )

    def access(
        self,
        session: Session,
        now: datetime,
        scopes: tuple[Scope, ...] | None = None,
        methods: tuple[str, ...] = (PASSWORD,),
    ) -> IssuedAccess:
        """
        A fresh access token alone.

        Args:
            methods: how somebody was authenticated (RFC 8176 §2).

        Raises:
            KeyUnusable: as above.
        """
        given = session.scopes if scopes is None else tuple(scope for scope in session.scopes if scope in scopes)
        issued_at = now.replace(microsecond=0)
        claims = AccessClaims(
            self.issuer,
            self.audience,
            session.account.id,
            session.id,
            session.client_id,
            given,
            issued_at,
            issued_at + self.access_ttl,
            session.opened_at,
            base64url.encode(self.random(TOKEN_ID_BYTES)).decode("ascii"),
            methods,
        )
        return IssuedAccess(self.access_tokens.sign(claims), issued_at, self.access_ttl, given)
