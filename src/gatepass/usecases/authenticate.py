"""Who is calling: a bearer token for a caller, without asking the store."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepass.domain.access_token import AccessClaims, Caller
from gatepass.domain.errors import Unauthenticated
from gatepass.domain.identifiers import SessionId
from gatepass.usecases.ports import AccessTokens, Clock, TrustedTokens
from gatepass.usecases.revoked_sessions import RevokedSessions

REVOKED = "This sign-in was ended. Sign in again with the signIn mutation."


@dataclass(frozen=True, slots=True)
class _Verified:
    caller: Caller
    session: SessionId | None
    refused_at: datetime


class Authenticate:
    """
    Verifies access tokens, and remembers verified ones by their SHA-256 until they expire.

    A cached token costs a digest and two look-ups. Revocation is checked each time. The cache is bounded (least
    recently used goes first) and holds neither tokens nor refused ones. Fails closed.
    """

    def __init__(
        self,
        access_tokens: AccessTokens,
        revoked: RevokedSessions,
        clock: Clock,
        *,
        leeway: timedelta,
        trusted: TrustedTokens | None = None,
        cache_entries: int = 10_000,
    ) -> None:
        self._access_tokens = access_tokens
        self._revoked = revoked
        self._clock = clock
        self._leeway = leeway
        self._trusted = trusted
        self._cache_entries = cache_entries
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    def __call__(self, token: str) -> Caller:
        """
        The caller that this token proves.

        Raises:
            Unauthenticated: the message says what is wrong and how to mend it.
            StoreUnavailable: whether the session was revoked is not known.
        """
        now = self._clock()
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        verified = self._verified.get(digest)
        if verified is None or verified.refused_at <= now:
            verified = self._verify(token, digest, now)
        else:
            self._verified.move_to_end(digest)
        # Sessions of other issuers end there: what was revoked here does not concern them.
        if verified.session is not None and self._revoked.contains(verified.session):
            raise Unauthenticated(REVOKED, presented=True)
        return verified.caller

    def forget(self) -> None:
        """Verify every token anew: a key is gone, and what it signed counts no longer."""
        self._verified.clear()

    def _verify(self, token: str, digest: bytes, now: datetime) -> _Verified:
        foreign = self._trusted.verify(token, now) if self._trusted is not None else None
        if foreign is not None:
            verified = _Verified(foreign, None, foreign.expires_at + self._leeway)
        else:
            claims = self._access_tokens.verify(token, now)
            verified = _Verified(_caller(claims), claims.session, claims.expires_at + self._leeway)
        self._verified[digest] = verified
        self._verified.move_to_end(digest)
        if len(self._verified) > self._cache_entries:
            self._verified.popitem(last=False)
        return verified


def _caller(claims: AccessClaims) -> Caller:
    return Caller(
        subject=str(claims.subject),
        scopes=frozenset(claims.scopes),
        session_id=str(claims.session),
        client_id=claims.client_id,
        expires_at=claims.expires_at,
    )
