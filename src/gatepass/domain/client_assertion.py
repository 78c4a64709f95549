"""What a client says of itself in a signed assertion, and when that is good enough to be believed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gatepass.domain.errors import ClientRefused

MAX_LIFE: Final = timedelta(hours=1)
"""So long a spent one has to be remembered; RFC 7523 §3 lets the server choose."""
CLOCK_SKEW: Final = timedelta(seconds=60)
MAX_TOKEN_ID: Final = 512


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """
    The claims of an assertion, aware UTC. Nothing in them is to be believed before the signature was checked.

    Source: RFC 7523 §3.
    """

    issuer: str
    subject: str
    audiences: tuple[str, ...]
    token_id: str
    expires_at: datetime
    issued_at: datetime | None = None
    not_before: datetime | None = None

    @property
    def digest(self) -> bytes:
        """What is remembered of it, once it was used."""
        return hashlib.sha256(f"{self.issuer}\n{self.token_id}".encode("utf-8", "surrogatepass")).digest()


def check(said: ClientAssertion, audiences: frozenset[str], now: datetime) -> None:
    """
    Refuse what is not for this server, not of now, or cannot be told from the next one.

    Args:
        audiences: as what this server may be addressed; exactly one must stand there, so that no other server can
            present the same assertion here.

    Raises:
        ClientRefused: the message says what is wrong; all of it is known to whoever signed.
    """
    if said.issuer != said.subject:
        raise ClientRefused("client_assertion: iss and sub must both be the client_id.")
    if len(said.audiences) != 1 or said.audiences[0] not in audiences:
        raise ClientRefused("client_assertion: aud must be the issuer of this server, and nothing else.")
    if said.expires_at <= now - CLOCK_SKEW:
        raise ClientRefused("client_assertion has expired.")
    if said.expires_at > now + MAX_LIFE + CLOCK_SKEW:
        raise ClientRefused(f"client_assertion: exp must be within {MAX_LIFE.total_seconds():.0f} seconds from now.")
    for begins in (said.issued_at, said.not_before):
        if begins is not None and begins > now + CLOCK_SKEW:
            raise ClientRefused("client_assertion is from the future.")
    if not 0 < len(said.token_id) <= MAX_TOKEN_ID:
        raise ClientRefused(f"client_assertion needs a jti of 1 to {MAX_TOKEN_ID} characters.")
