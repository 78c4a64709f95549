"""Access tokens of other issuers: strict where an attacker would begin, open where issuers differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from gatepass.crypto.compact_jws import CompactJws, json_object, take_apart, unknown_key
from gatepass.crypto.compact_jws import refused as refused_here
from gatepass.crypto.issuer_keys import IssuerKeys
from gatepass.crypto.public_keys import PublicKey
from gatepass.domain.access_token import MAX_LEEWAY, Caller
from gatepass.domain.errors import Unauthenticated
from gatepass.domain.trusted_issuer import TrustedIssuer, foreign_subject

MAX_CHARACTERS: Final = 8192
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt", "jwt", "application/jwt"})
_NEVER: Final = frozenset({"crit", "b64", "zip", "enc", "jwk"})
"""
Members of a header that would change how a token is read, or bring a key along.

Addresses of keys (`jku`, `x5u`) and certificates are passed over, for some issuers write them: nothing here reads them.
"""
_VISIBLE: Final = re.compile(r"[!-~]{1,255}")
_SCOPE: Final = re.compile(r"[!#-\[\]-~]{1,255}")
"""RFC 6749 §3.3."""
_LATEST_TIME: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


class ForeignTokens:
    """
    The port `TrustedTokens` over the keys of every trusted issuer.

    Args:
        leeway: how long after its end, and before its beginning, a token counts, for clocks that differ.
    """

    def __init__(self, issuers: Sequence[IssuerKeys], *, leeway: timedelta) -> None:
        self._issuers = {keys.trusted.issuer: keys for keys in issuers}
        self._leeway = leeway

    def verify(self, token: str, now: datetime) -> Caller | None:
        """
        Who is calling by a token of a trusted issuer; None: it does not come from one, whatever it is.

        Only `iss` chooses whose rules and keys count, and only the operator's settings say what those are.

        Raises:
            Unauthenticated: it says that it comes from one, and is not good.
        """
        parts = take_apart(token, MAX_CHARACTERS)
        try:
            claims = json_object(parts.payload)
        except (ValueError, RecursionError):
            return None
        issuer = claims.get("iss")
        keys = self._issuers.get(issuer) if isinstance(issuer, str) else None
        if keys is None:
            return None
        key = _key_for(parts, keys)
        if not key.accepts(token.rpartition(".")[0].encode("ascii"), parts.signature):
            raise _refused(keys, "The signature of the access token is wrong: it was changed, or another made it.")
        return self._caller(claims, keys, now)

    def when_keys_go(self, forget: Callable[[], None]) -> None:
        """Have `forget` called whenever one of them gives a key up."""
        for keys in self._issuers.values():
            keys.when_keys_go(forget)

    async def catch_up(self, issuer: str) -> None:
        """Look for new keys of an issuer; see `IssuerKeys.look_again`."""
        keys = self._issuers.get(issuer)
        if keys is not None:
            await keys.look_again()

    def _caller(self, claims: Mapping[str, object], keys: IssuerKeys, now: datetime) -> Caller:
        trusted = keys.trusted
        audience = claims.get("aud")
        if trusted.audience not in (audience if isinstance(audience, list) else [audience]):
            raise _refused(keys, "The access token is meant for another API.")
        try:
            expires_at = _time(claims["exp"])
            begins_at = max(_time(claims.get("nbf", 0)), _time(claims.get("iat", 0)) - (MAX_LEEWAY - self._leeway))
        except (ValueError, KeyError):
            raise _refused(keys, "The access token does not have the claims of an access token.") from None
        if now >= expires_at + self._leeway:
            raise _refused(keys, f"The access token expired at {expires_at:%Y-%m-%dT%H:%M:%SZ}.")
        if now < begins_at - self._leeway:
            raise _refused(keys, "The access token counts only from a later moment on.")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not _VISIBLE.fullmatch(subject):
            raise _refused(keys, "The access token names nobody, or in characters that cannot stand in an HTTP header.")
        return Caller(
            subject=foreign_subject(trusted.issuer, subject),
            scopes=_scopes(claims, trusted),
            session_id="",
            client_id=_client(claims),
            expires_at=expires_at,
            issuer=trusted.issuer,
        )


def _key_for(parts: CompactJws, keys: IssuerKeys) -> PublicKey:
    kind, key_id, algorithm = parts.header.get("typ", "JWT"), parts.header.get("kid"), parts.header.get("alg")
    if isinstance(algorithm, str) and algorithm.casefold() == "none":
        raise _refused(keys, "The access token is not signed.")
    if parts.header.keys() & _NEVER:
        raise _refused(keys, "The access token brings header parameters that are never followed here.")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise _refused(keys, "The bearer token is a JWT of another kind (an ID token, perhaps), not an access token.")
    if not isinstance(algorithm, str) or algorithm not in keys.trusted.algorithms:
        raise _refused(keys, "The access token is signed with an algorithm that is not expected of its issuer.")
    if not isinstance(key_id, str):
        raise _refused(keys, "The access token does not say by which key it is signed.")
    key = keys.find(key_id, algorithm)
    if key is None and keys.knows(key_id):
        raise _refused(keys, "The access token names another algorithm than that of its key.")
    if key is None:
        raise unknown_key("The access token names a key that its issuer does not publish.", keys.trusted.issuer)
    return key


def _refused(keys: IssuerKeys, reason: str) -> Unauthenticated:
    return refused_here(reason, f"Get a new one from {keys.trusted.issuer}.")


def _scopes(claims: Mapping[str, object], trusted: TrustedIssuer) -> frozenset[str]:
    """What the claim says, a text with spaces between or a list of texts. What cannot be a scope is none."""
    value: object = claims
    for name in trusted.scopes_claim:
        value = value.get(name) if isinstance(value, Mapping) else None
    found = value.split(" ") if isinstance(value, str) else value if isinstance(value, list) else []
    return frozenset(scope for scope in found if isinstance(scope, str) and _SCOPE.fullmatch(scope))


def _client(claims: Mapping[str, object]) -> str:
    """`client_id` (RFC 9068 §2.2), or `azp` of OpenID Connect; empty where neither can stand in a header."""
    found = (claims.get("client_id"), claims.get("azp"))
    return next((name for name in found if isinstance(name, str) and _VISIBLE.fullmatch(name)), "")


def _time(value: object) -> datetime:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LATEST_TIME:
        raise ValueError("not whole seconds within the calendar")
    return datetime.fromtimestamp(value, UTC)
