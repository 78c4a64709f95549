"""Server keys as the store keeps them: sealed, with a state. next → active → retiring → gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gatepass.domain.identifiers import KeyId


class KeyUse(StrEnum):
    """What a key is for; the two never mix."""

    ACCESS = "access"
    """Signs access tokens; its public half is in the JWKS."""
    REFRESH = "refresh"
    """MACs refresh tokens; symmetric, never published."""


class KeyState(StrEnum):
    """Where a key stands in its life."""

    NEXT = "next"
    """Published, does not sign yet."""
    ACTIVE = "active"
    """Signs, and verifies."""
    RETIRING = "retiring"
    """Verifies until its last token has expired."""


class Algorithm(StrEnum):
    """JWS algorithms that can be chosen (RFC 7518 §3.1, RFC 8037), and the one MAC of refresh tokens."""

    ES256 = "ES256"
    EDDSA = "EdDSA"
    RS256 = "RS256"
    HS256 = "HS256"


@dataclass(frozen=True, slots=True)
class SealedKey:
    """
    A key at rest.

    `sealed` is the private (or symmetric) key encrypted under the operator's secret key and bound to id, use and
    algorithm; `public_jwk` is the JSON of the public JWK, empty for symmetric keys. `since` is when it came into its
    state.
    """

    id: KeyId
    use: KeyUse
    algorithm: Algorithm
    state: KeyState
    sealed: bytes
    public_jwk: str
    created_at: datetime
    since: datetime
