"""What an assertion must be before anything in it is believed. RFC 8725 §3."""

from __future__ import annotations

import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.access_token import Caller
from gatepass.domain.signing_key import Algorithm
from gatepass.verify import AssertionRefused, Verifier
from tests.crypto.forger import decoded, encoded
from tests.verify.maker import ANA, AUDIENCE, BODY, ISSUER, MAKER, NOON, Maker

VERIFIER = MAKER.verifier()
IAT, EXP = int(NOON.timestamp()), int(NOON.timestamp()) + 60
HEAD, PAYLOAD, SIGNATURE = MAKER.signs().split(".")
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def reason(assertion: str | None, body: bytes = BODY, verifier: Verifier = VERIFIER) -> str:
    """Why it is refused; nothing of the token is in it."""
    with pytest.raises(AssertionRefused) as caught:
        verifier.check(assertion, body)
    assert not assertion or len(assertion) < 20 or assertion not in caught.value.reason
    assert "\n" not in caught.value.reason
    return caught.value.reason


@pytest.mark.parametrize("algorithm", [Algorithm.ES256, Algorithm.EDDSA, Algorithm.RS256])
@pytest.mark.parametrize("body", [BODY, b"", b"\x00" * 100_000], ids=len)
def test_what_gatepass_signs_is_good(algorithm: Algorithm, body: bytes) -> None:
    maker = Maker(algorithm)
    assert maker.verifier(issuer=ISSUER).check(maker.signs(body), body) == Caller(
        ANA.subject, ANA.scopes, "s-1", "gatepass", NOON + timedelta(seconds=60)
    )


def test_nobody_is_nobody() -> None:
    """The gateway itself asks for the schema, and so do callers of public operations."""
    assert VERIFIER.check(MAKER.signs(who=None), BODY) is None


def test_a_caller_without_scopes_has_none() -> None:
    who = Caller("ana", frozenset(), "s", "c", NOON)
    caller = VERIFIER.check(MAKER.signs(who=who), BODY)
    assert caller is not None
    assert caller.scopes == frozenset()


def test_a_missing_assertion_says_where_to_look() -> None:
    assert "upstream_assertion" in reason(None)


@pytest.mark.parametrize("other", [b"", BODY + b" ", BODY[:-1], BODY.upper()])
def test_another_body_is_not_what_was_signed(other: bytes) -> None:
    assert "another body" in reason(MAKER.signs(), other)


def test_an_assertion_for_another_api_says_both_names() -> None:
    """The likeliest mistake in a configuration."""
    said = reason(MAKER.signs(), verifier=MAKER.verifier(audience="http://localhost:4000"))
    assert AUDIENCE in said
    assert "http://localhost:4000" in said
    assert "upstream_audience" in said


def test_another_issuer_is_refused_where_one_is_named() -> None:
    assert ISSUER in reason(MAKER.signs(), verifier=MAKER.verifier(issuer="https://other"))


@pytest.mark.parametrize(
    ("seconds", "leeway", "good"),
    [
        (0, 0, True), (59, 0, True), (59.9, 0, True), (60, 0, False), (60, 5, True), (64.9, 5, True), (65, 5, False),
        (-0.1, 0, False), (-1, 5, True), (-5, 5, True), (-5.1, 5, False), (3600, 60, False), (119.9, 60, True),
    ],
)  # fmt: skip
def test_it_counts_for_its_time_and_the_leeway(seconds: float, leeway: float, good: bool) -> None:
    verifier = MAKER.verifier(clock=lambda: NOON + timedelta(seconds=seconds), leeway=timedelta(seconds=leeway))
    if good:
        verifier.check(MAKER.signs(), BODY)
    else:
        assert "clocks" in reason(MAKER.signs(), verifier=verifier)


def test_somebody_elses_key_is_not_ours() -> None:
    assert "not among those at jwks" in reason(Maker().signs())
    impostor = Maker()
    header = {**impostor.part(0), "kid": MAKER.key.id}
    assert "signature" in reason(impostor.forge(header=header))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None}, {"exp": str(EXP)}, {"exp": float(EXP)}, {"exp": True}, {"exp": EXP + 1}, {"exp": IAT},
        {"exp": IAT - 1}, {"exp": 10**400}, {"exp": -1}, {"iat": None}, {"iat": IAT - 3600}, {"iat": float(IAT)},
        {"iat": False}, {"aud": None}, {"aud": [AUDIENCE]}, {"aud": [AUDIENCE, "x"]}, {"aud": ""},
        {"aud": AUDIENCE + "/"}, {"aud": {"x": 1}}, {"sub": None}, {"sub": 5}, {"sub": ""}, {"sub": ["ana"]},
        {"scope": ["read"]}, {"scope": None}, {"sid": 5},
        {"client_id": {}}, {"body_sha256": None}, {"body_sha256": ""}, {"body_sha256": "="}, {"body_sha256": 5},
    ],
)  # fmt: skip
def test_claims_of_another_form_are_refused(claims: dict[str, Any]) -> None:
    """Although the key is the right one: none of these was ever made by Gatepass."""
    assert reason(MAKER.with_claims(**claims))


@pytest.mark.parametrize("name", ["aud", "iat", "exp", "body_sha256"])
def test_no_claim_may_be_missing(name: str) -> None:
    claims = MAKER.part(1)
    del claims[name]
    assert reason(MAKER.forge(payload=claims))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"}, {"alg": "None"}, {"alg": "HS256"}, {"alg": "ES384"}, {"alg": "RS256"}, {"alg": 5},
        {"alg": None}, {"typ": "at+jwt"}, {"typ": "JWT"}, {"typ": None}, {"typ": "GATEPASS-ASSERTION+JWT"},
        {"typ": ["gatepass-assertion+jwt"]}, {"crit": ["exp"]}, {"jku": "https://evil"}, {"jwk": {}}, {"x5u": "x"},
        {"x5c": []}, {"b64": False}, {"zip": "DEF"}, {"kid": None}, {"kid": 5}, {"kid": "../../etc/passwd"},
        {"kid": "' OR 1=1 --"}, {"kid": ""}, {"kid": "x" * 5000}, {"kid": "a\nb"},
    ],
)  # fmt: skip
def test_headers_of_another_form_are_refused(header: dict[str, Any]) -> None:
    assert reason(MAKER.with_header(**header))


@pytest.mark.parametrize("name", ["alg", "kid", "typ"])
def test_no_header_member_may_be_missing(name: str) -> None:
    header = MAKER.part(0)
    del header[name]
    assert reason(MAKER.forge(header=header))


@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_nothing_is_good_without_the_private_key(alg: str) -> None:
    """Not unsigned, and not with our public key as a secret, in any spelling of it."""
    header = encoded(json.dumps({**MAKER.part(0), "alg": alg}).encode())
    for secret in (json.dumps(MAKER.jwk).encode(), MAKER.key.public_jwk.encode(), decoded(MAKER.jwk["x"]), b""):
        mac = hmac.digest(secret, f"{header}.{PAYLOAD}".encode(), "sha256")
        assert reason(f"{header}.{PAYLOAD}.{encoded(mac)}")
    assert reason(f"{header}.{PAYLOAD}.")
    assert reason(f"{HEAD}.{PAYLOAD}.")


@pytest.mark.parametrize(
    "assertion",
    [
        "", ".", "..", "...", "a.b.c", f"{HEAD}.{PAYLOAD}", f"{HEAD}.{PAYLOAD}.{SIGNATURE}.", f" {MAKER.signs()}",
        f"{MAKER.signs()}\n", f"{MAKER.signs()},{MAKER.signs()}", f"{HEAD}=.{PAYLOAD}.{SIGNATURE}",
        f"{HEAD}.{PAYLOAD}.{SIGNATURE}=", f"{HEAD}.{PAYLOAD}.{SIGNATURE}AA", f"{HEAD}.{PAYLOAD}.{SIGNATURE[:-2]}",
        f"{HEAD}.{PAYLOAD}.{SIGNATURE[:-1]}{chr(ord(SIGNATURE[-1]) + 1)}", f"{HEAD}.{PAYLOAD}.{'A' * 86}",
        f"Bearer {MAKER.signs()}", "é.é.é", "\x00", "x" * 100_000, "a." * 50_000, f"{HEAD}.{PAYLOAD}.{SIGNATURE}" * 2,
        f"{HEAD}..{PAYLOAD}.{SIGNATURE}.", MAKER.forge(payload=b"[]"), MAKER.forge(payload=b"{"),
        MAKER.forge(payload=b"{" * 100_00), MAKER.forge(payload=b"\xff"), MAKER.forge(payload=b'{"a":1,"a":2}'),
        MAKER.forge(payload=b'{"exp":1e400}'), MAKER.forge(payload=b"null"), MAKER.forge(header=b"[]"),
        MAKER.forge(header=b'{"alg":"ES256","alg":"ES256"}'), MAKER.forge(header=b"[" * 4000),
    ],
)  # fmt: skip
def test_what_is_damaged_is_refused(assertion: str) -> None:
    assert reason(assertion)


def test_a_signature_in_der_or_out_of_range_is_refused() -> None:
    """ES256 signatures are 64 bytes (RFC 7518 §3.4); zero, the order and more are no signature at all."""
    for r, s in ((0, 0), (0, 1), (1, 0), (P256_ORDER, 1), (1, P256_ORDER), (2**256 - 1, 2**256 - 1)):
        assert reason(f"{HEAD}.{PAYLOAD}.{encoded(r.to_bytes(32) + s.to_bytes(32))}")
    raw = decoded(SIGNATURE)
    der = b"\x30\x44\x02\x20" + raw[:32] + b"\x02\x20" + raw[32:]
    assert reason(f"{HEAD}.{PAYLOAD}.{encoded(der)}")


@given(st.integers(0, len(MAKER.signs()) - 1), st.characters(codec="utf-8"))
def test_no_character_can_be_changed(place: int, character: str) -> None:
    """Every single one is under the signature, or is it."""
    good = MAKER.signs()
    changed = good[:place] + character + good[place + 1 :]
    if changed != good:
        assert reason(changed)


@given(st.one_of(st.text(), st.text(alphabet="eyJ.-_=09", max_size=200)), st.binary(max_size=20))
def test_no_text_is_an_assertion_by_chance(text: str, body: bytes) -> None:
    assert reason(text, body)


@given(st.dictionaries(st.sampled_from(["sub", "scope", "sid", "aud", "exp", "iat", "client_id", "body_sha256"]),
                       st.one_of(st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(),
                                 st.lists(st.text(), max_size=2)), min_size=1))  # fmt: skip
def test_whatever_is_signed_is_a_caller_or_refused(claims: dict[str, Any]) -> None:
    """Even a Gatepass that went mad causes no other exception than the one that is caught."""
    try:
        caller = VERIFIER.check(MAKER.with_claims(**claims), BODY)
    except AssertionRefused:
        return
    assert caller is not None
    assert caller.expires_at <= NOON + timedelta(seconds=60)


def test_a_long_foreign_value_is_cut_in_the_reason() -> None:
    assert len(reason(MAKER.with_claims(aud="x" * 2000))) < 500


@pytest.mark.parametrize(
    "wrong",
    [
        {"leeway": timedelta(seconds=61)},
        {"leeway": timedelta(seconds=-1)},
        {"audience": ""},
        {"jwks": "file:///etc/passwd"},
        {"jwks": "gatepass:8000"},
        {"jwks": {}},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": [{**MAKER.jwk, "use": "enc"}]}},
    ],
)
def test_what_cannot_be_right_is_refused_at_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words differ
        MAKER.verifier(**wrong)
