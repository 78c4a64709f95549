"""Another issuer whose access tokens pass here, because the operator says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SEPARATOR: Final = "|"
DEFAULT_ALGORITHMS: Final = ("RS256", "ES256")
DEFAULT_SCOPES_CLAIM: Final = ("scope",)


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """
    Whom to believe, and in what.

    Args:
        issuer: the claim `iss` of its tokens, letter by letter.
        audience: the API here, as the issuer calls it: one of the claim `aud`.
        jwks: the address of its public keys, or the absolute path of a file that holds them.
        algorithms: with which it signs; none but these counts.
        scopes_claim: the claim that holds the scopes, by its name, or by the names that lead into objects.
    """

    issuer: str
    audience: str
    jwks: str
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    scopes_claim: tuple[str, ...] = DEFAULT_SCOPES_CLAIM


def foreign_subject(issuer: str, subject: str) -> str:
    """
    Who somebody of another issuer is here: `<issuer>|<subject>`.

    An account of ours is a UUID and has no `|`, and neither has an issuer: so nobody whom another issuer calls by the
    id of one of our accounts, or of another issuer's, is taken for them.
    """
    return f"{issuer}{SEPARATOR}{subject}"
