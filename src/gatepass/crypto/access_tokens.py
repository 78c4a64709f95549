"""Access tokens as signed JWTs (RFC 9068)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar

import msgspec

from gatepass.crypto.compact_jws import json_object, refused, take_apart, unknown_key
from gatepass.crypto.compact_signer import CompactSigner
from gatepass.crypto.keyring import Keyring
from gatepass.crypto.signing_keys import SigningKey
from gatepass.domain.access_token import MAX_ACCESS_TTL, MAX_LEEWAY, AccessClaims
from gatepass.domain.account import Scope
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.secret import Secret

_TYPE: Final = "at+jwt"
_TYPES: Final = frozenset({_TYPE, f"application/{_TYPE}"})
_HEADER_MEMBERS: Final = frozenset({"alg", "kid", "typ"})
_LATEST_TIME: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
_Id = TypeVar("_Id")


class _Payload(msgspec.Struct, Generic[_Id], omit_defaults=True):
    """
    The payload on the wire. Times are whole seconds since 1970; a token without scopes has no `scope`.

    Identifiers go out as UUIDs, which msgspec writes in a quarter of the time that `str` takes. They come in as text,
    for a UUID has one spelling only here.
    """

    iss: str
    sub: _Id
    aud: str | list[str]
    exp: int
    iat: int
    jti: str
    client_id: str
    sid: _Id
    auth_time: int
    amr: list[str]
    scope: str = ""


_Read = _Payload[str]


class JwtAccessTokens:
    """
    The port `AccessTokens` over a keyring.

    Args:
        issuer: this server, as `iss` of its tokens.
        audience: the API its tokens are for, as `aud`.
        leeway: how long after its end a token still counts, for clocks that differ; at most 60 s.
    """

    def __init__(self, keyring: Keyring, *, issuer: str, audience: str, leeway: timedelta = timedelta(0)) -> None:
        if not timedelta(0) <= leeway <= MAX_LEEWAY:
            raise ValueError(f"leeway must be 0 to {MAX_LEEWAY}, not {leeway}")
        self._keyring = keyring
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway
        self._signer = CompactSigner(keyring, _TYPE)

    def sign(self, claims: AccessClaims) -> Secret[str]:
        """
        The signed token.

        Raises:
            KeyUnusable: there is no active key.
        """
        payload = _Payload(
            iss=claims.issuer,
            sub=claims.subject,
            aud=claims.audience,
            exp=_seconds(claims.expires_at),
            iat=_seconds(claims.issued_at),
            jti=claims.token_id,
            client_id=claims.client_id,
            sid=claims.session,
            auth_time=_seconds(claims.authenticated_at),
            amr=list(claims.methods),
            scope=" ".join(claims.scopes),
        )
        return Secret(self._signer.sign(payload).decode("ascii"))

    def verify(self, token: str, now: datetime) -> AccessClaims:
        """
        The claims of a token that is ours, for this audience, and not expired.

        Raises:
            Unauthenticated: anything else; the message says what is wrong and how to mend it.

        Source: RFC 9068 §4, RFC 8725 §3.
        """
        parts = take_apart(token)
        key = self._key_for(parts.header)
        if not key.accepts(token, parts.signature):
            raise refused("The signature of the access token is wrong: it was changed, or this server did not sign it.")
        try:
            payload = msgspec.convert(json_object(parts.payload), _Read)
            claims = _claims(payload)
        except (ValueError, RecursionError):
            raise refused("The access token does not have the claims of an access token.") from None
        self._check(claims, now)
        return claims

    def _key_for(self, header: dict[str, object]) -> SigningKey:
        """The key that a header names: only `kid` chooses, among our own, and `alg` must be what that key is for."""
        kind, key_id, algorithm = header.get("typ"), header.get("kid"), header.get("alg")
        if isinstance(algorithm, str) and algorithm.casefold() == "none":
            raise refused("The access token is not signed.")
        if not header.keys() <= _HEADER_MEMBERS:
            raise refused("The access token brings header parameters that this server never issues and never follows.")
        if not isinstance(kind, str) or kind.lower() not in _TYPES:
            raise refused("The bearer token is a JWT of another kind (an ID token, perhaps), not an access token.")
        key = self._keyring.verifying(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise unknown_key("The access token was signed by another server, or with a key that this server gave up.")
        if algorithm != key.algorithm:
            raise refused("The access token names another algorithm than that of its key.")
        return key

    def _check(self, claims: AccessClaims, now: datetime) -> None:
        if claims.issuer != self._issuer:
            raise refused("The access token was issued by another server.", "Get one from this server with signIn.")
        if claims.audience != self._audience:
            raise refused("The access token is meant for another API.", "Get one for this API with signIn.")
        if now >= claims.expires_at + self._leeway:
            raise refused(
                f"The access token expired at {claims.expires_at:%Y-%m-%dT%H:%M:%SZ}.",
                "Get a new one with signInRefresh, or with signIn.",
            )
        # The clock of a server that jumped ahead and back must not leave tokens behind that live for years.
        if claims.issued_at > now + MAX_LEEWAY or claims.expires_at - claims.issued_at > MAX_ACCESS_TTL:
            raise refused("The access token was issued in the future, or for longer than this server ever does.")


def _claims(payload: _Read) -> AccessClaims:
    audience = [payload.aud] if isinstance(payload.aud, str) else payload.aud
    if len(audience) != 1:
        raise ValueError("exactly one audience")
    return AccessClaims(
        issuer=payload.iss,
        audience=audience[0],
        subject=AccountId(_uuid(payload.sub)),
        session=SessionId(_uuid(payload.sid)),
        client_id=payload.client_id,
        scopes=tuple(Scope(scope) for scope in payload.scope.split(" ") if scope),
        issued_at=_time(payload.iat),
        expires_at=_time(payload.exp),
        authenticated_at=_time(payload.auth_time),
        token_id=payload.jti,
        methods=tuple(payload.amr),
    )


def _uuid(text: str) -> uuid.UUID:
    value = uuid.UUID(text)
    if str(value) != text:
        raise ValueError("a UUID has one spelling")
    return value


def _seconds(time: datetime) -> int:
    return int(time.timestamp())


def _time(seconds: int) -> datetime:
    if not 0 <= seconds <= _LATEST_TIME:
        raise ValueError("a time outside of the calendar")
    return datetime.fromtimestamp(seconds, UTC)
