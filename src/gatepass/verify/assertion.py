"""What an assertion must be before anything in it is believed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gatepass.crypto.compact_jws import decode_base64url, encode_base64url, json_object
from gatepass.crypto.public_keys import PublicKey
from gatepass.domain.access_token import MAX_LEEWAY, Caller
from gatepass.domain.assertion import ASSERTION_TTL, ASSERTION_TYPE
from gatepass.verify.key_source import FetchedKeys, GivenKeys, KeySource

_MAX_CHARACTERS: Final = 8192
_MAX_QUOTED: Final = 100
_HEADER_MEMBERS: Final = {"alg", "kid", "typ"}
_LATEST_TIME: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


class AssertionRefused(Exception):
    """
    A request is not to be answered. `reason` is for the log of whoever runs the API: what is wrong, how to mend it.

    It holds no token, and is not for the caller, who cannot mend anything.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Presented:
    """An assertion taken apart. Nothing in it is proven."""

    key_id: str
    algorithm: str
    message: bytes
    payload: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Proven:
    """Who is asking by an assertion that is good, if what they ask has this digest. None: nobody is signed in."""

    caller: Caller | None
    body_sha256: str

    def for_body(self, body: bytes) -> Caller | None:
        """
        The caller, once the body is here.

        Raises:
            AssertionRefused: it is another body.
        """
        if encode_base64url(hashlib.sha256(body).digest()).decode("ascii") != self.body_sha256:
            raise AssertionRefused(
                "the assertion is for another body: something between Gatepass and this API changed the request, or "
                "somebody sends an assertion a second time with a request of their own"
            )
        return self.caller


class Verifier:
    """
    Checks assertions. The middlewares have one; it is also there for frameworks of another kind.

    Fails closed: no keys, no answer.
    """

    def __init__(
        self,
        *,
        audience: str,
        jwks: str | Mapping[str, object],
        issuer: str | None = None,
        leeway: timedelta = timedelta(seconds=5),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """
        Say whom to believe.

        Args:
            audience: this API, as Gatepass calls it: its setting `upstream_audience`, the origin of `upstream` unless
                set, such as `http://api:4000`.
            jwks: the address of Gatepass's public keys (`…/.well-known/jwks.json`), or such a set.
            issuer: Gatepass, as it calls itself; None: whoever has one of those keys.
            leeway: how far the clocks of both machines may be apart, at most 60 s.

        Raises:
            ValueError: an address of another form, a set without usable keys, too much leeway.
        """
        if not timedelta(0) <= leeway <= MAX_LEEWAY:
            raise ValueError(f"leeway must be 0 to {MAX_LEEWAY}, not {leeway}")
        if not audience:
            raise ValueError("audience must say which API this is: what Gatepass has as upstream_audience")
        self.keys: KeySource = FetchedKeys(jwks) if isinstance(jwks, str) else GivenKeys(jwks)
        self._audience = audience
        self._issuer = issuer
        self._leeway = leeway.total_seconds()
        self._clock = clock

    def check(self, assertion: str | None, body: bytes) -> Caller | None:
        """
        Who sent this body through the gateway; None: the gateway itself, or somebody who is not signed in.

        Args:
            assertion: the header X-Gatepass-Assertion, None where it is missing.

        Raises:
            AssertionRefused: do not answer. May block for some seconds while keys are fetched.
        """
        return self.examined(assertion).for_body(body)

    def examined(self, assertion: str | None) -> Proven:
        """As `check`, before the body is read: a request without proof is not worth reading."""
        presented = take_apart(assertion)
        return self.proven(presented, self.keys.find(presented.key_id))

    def proven(self, presented: Presented, key: PublicKey | None) -> Proven:
        """
        What an assertion proves, by the key that it names.

        Raises:
            AssertionRefused: nothing.
        """
        if key is None:
            raise AssertionRefused(
                f"the assertion names the key {_quoted(presented.key_id)}, which is not among those at jwks: "
                "does jwks belong to the Gatepass that sent the request?"
            )
        if presented.algorithm != key.algorithm or not key.accepts(presented.message, presented.signature):
            raise AssertionRefused("the signature of the assertion is wrong: Gatepass did not make it")
        try:
            claims = json_object(presented.payload)
        except (ValueError, RecursionError):
            raise AssertionRefused("the assertion has no readable claims") from None
        self._check_whom(claims)
        expires_at = self._check_when(claims)
        return Proven(_caller(claims, expires_at), _text(claims, "body_sha256"))

    def _check_whom(self, claims: Mapping[str, object]) -> None:
        if claims.get("aud") != self._audience:
            raise AssertionRefused(
                f"the assertion is for the audience {_quoted(claims.get('aud'))}, and this API is {self._audience!r}: "
                "set Gatepass's upstream_audience, or the audience here, so that both are the same"
            )
        if self._issuer is not None and claims.get("iss") != self._issuer:
            raise AssertionRefused(
                f"the assertion comes from the issuer {_quoted(claims.get('iss'))}, and {self._issuer!r} is believed"
            )

    def _check_when(self, claims: Mapping[str, object]) -> datetime:
        issued_at, expires_at = _seconds(claims, "iat"), _seconds(claims, "exp")
        now = self._clock().timestamp()
        if not 0 < expires_at - issued_at <= ASSERTION_TTL.total_seconds():
            raise AssertionRefused("the assertion is for longer than Gatepass ever makes one, or for no time at all")
        if now >= expires_at + self._leeway:
            raise AssertionRefused(
                f"the assertion expired {now - expires_at:.0f} s ago: are the clocks of both machines right?"
            )
        if now < issued_at - self._leeway:
            raise AssertionRefused(
                f"the assertion was made {issued_at - now:.0f} s in the future: are the clocks of both machines right?"
            )
        return datetime.fromtimestamp(expires_at, UTC)


def take_apart(assertion: str | None) -> Presented:
    """
    The parts of an assertion in its one spelling.

    Raises:
        AssertionRefused: there is none, or not one of Gatepass's.

    Source: RFC 7515 §5.2, RFC 8725 §3.
    """
    if assertion is None:
        raise AssertionRefused(
            "there is no X-Gatepass-Assertion: the request did not come through Gatepass, or its setting "
            "upstream_assertion is off, which it is by default for an API on loopback"
        )
    text = assertion if len(assertion) <= _MAX_CHARACTERS else ""
    try:
        # Three parts, or a ValueError.
        header, payload, signature = map(decode_base64url, text.split("."))
        members = json_object(header)
    except (ValueError, RecursionError):
        raise AssertionRefused("X-Gatepass-Assertion is there twice, damaged, or not a signed token at all") from None
    kind, key_id, algorithm = members.get("typ"), members.get("kid"), members.get("alg")
    if kind != ASSERTION_TYPE:
        raise AssertionRefused(
            f"X-Gatepass-Assertion holds a token of another kind ({_quoted(kind)}), not one made for this header"
        )
    if members.keys() != _HEADER_MEMBERS or not isinstance(key_id, str) or not isinstance(algorithm, str):
        raise AssertionRefused("the assertion has header members that Gatepass does not use")
    message = text.rpartition(".")[0].encode("ascii")
    return Presented(key_id, algorithm, message, payload, signature)


def _caller(claims: Mapping[str, object], expires_at: datetime) -> Caller | None:
    if "sub" not in claims:
        return None
    if not (subject := _text(claims, "sub")):
        raise AssertionRefused("the assertion names nobody where it should name somebody")
    return Caller(
        subject=subject,
        scopes=frozenset(filter(None, _text(claims, "scope", "").split(" "))),
        session_id=_text(claims, "sid", ""),
        client_id=_text(claims, "client_id", ""),
        expires_at=expires_at,
        issuer=_text(claims, "sub_issuer", "") or None,
    )


def _text(claims: Mapping[str, object], name: str, default: str | None = None) -> str:
    value = claims.get(name, default)
    if not isinstance(value, str):
        raise AssertionRefused(f"the assertion has no usable claim {name}")
    return value


def _seconds(claims: Mapping[str, object], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LATEST_TIME:
        raise AssertionRefused(f"the assertion has no usable claim {name}")
    return value


def _quoted(value: object) -> str:
    """Foreign text for a log line: short, and without anything that could break out of it."""
    return json.dumps(value, default=str)[:_MAX_QUOTED]
