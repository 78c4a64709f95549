"""Tokens of trusted issuers: whose pass, as whom, and every way in that somebody may try. RFC 8725, RFC 9068."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gatepass.crypto.foreign_tokens import ForeignTokens
from gatepass.crypto.issuer_keys import IssuerKeys
from gatepass.crypto.public_keys import ASYMMETRIC
from gatepass.domain.access_token import Caller
from gatepass.domain.errors import Unauthenticated, UnknownSigningKey
from gatepass.domain.trusted_issuer import TrustedIssuer
from gatepass.settings.trusted import ALGORITHMS
from tests.kit.issuer import AUDIENCE, ISSUER, Issuer, IssuerKey, as_json, encoded

PLACE = "https://login.example.net/jwks"
OTHER_ISSUER = "https://accounts.example.com"
LEEWAY = timedelta(seconds=10)


def now() -> datetime:
    return datetime.now(UTC)


def trusting(*issuers: Issuer, leeway: timedelta = timedelta(0), **rules: Any) -> ForeignTokens:
    """A server that trusts these issuers, and has read their keys."""

    def keys_of(issuer: Issuer) -> IssuerKeys:
        algorithms = rules.get("algorithms", tuple({key.algorithm for key in issuer.keys}))
        trusted = TrustedIssuer(issuer.issuer, AUDIENCE, PLACE, **{**rules, "algorithms": algorithms})

        async def read() -> bytes:
            return json.dumps(issuer.jwks).encode()

        return IssuerKeys(trusted, read)

    async def opened() -> list[IssuerKeys]:
        found = [keys_of(issuer) for issuer in issuers]
        for keys in found:
            await keys.refresh()
        return found

    return ForeignTokens(asyncio.run(opened()), leeway=leeway)


IDP = Issuer()
SERVER = trusting(IDP)


def accepted(token: str, server: ForeignTokens = SERVER) -> Caller:
    caller = server.verify(token, now())
    assert caller is not None
    return caller


def refusal(token: str, server: ForeignTokens = SERVER) -> str:
    """What the bearer reads: no token, nothing of what would be right, and where to get a good one."""
    with pytest.raises(Unauthenticated) as caught:
        server.verify(token, now())
    assert caught.value.presented
    assert token not in caught.value.message
    assert AUDIENCE not in caught.value.message
    return caught.value.message


# -- who passes -------------------------------------------------------------------------------------------------------


def test_a_good_token_proves_a_caller_who_is_no_account_of_ours() -> None:
    """`<issuer>|<sub>`, no session, and whose word that is."""
    token = IDP.token()
    caller = accepted(token)
    assert caller == Caller(
        subject=f"{ISSUER}|248289761001",
        scopes=frozenset({"read", "write"}),
        session_id="",
        client_id="portal",
        expires_at=caller.expires_at,
        issuer=ISSUER,
    )
    assert caller.expires_at - now() < timedelta(minutes=10)


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_every_asymmetric_algorithm_can_be_allowed(algorithm: str) -> None:
    """And verifies what it should, and nothing else."""
    idp = Issuer(IssuerKey(algorithm))
    server = trusting(idp)
    accepted(idp.token(), server)
    head, body, _ = idp.token().split(".")
    assert "signature" in refusal(f"{head}.{body}.{Issuer(IssuerKey(algorithm)).token().split('.')[2]}", server)
    assert "signature" in refusal(
        f"{head}.{encoded(as_json(idp.claims(scope='admin')))}.{idp.token().split('.')[2]}", server
    )


def test_the_setting_offers_what_can_be_verified_and_nothing_symmetric() -> None:
    assert set(ALGORITHMS) == set(ASYMMETRIC)
    assert not any(algorithm.startswith("HS") or algorithm == "none" for algorithm in ALGORITHMS)


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "JWT", "jwt", None])
def test_issuers_write_different_types(typ: str | None) -> None:
    """Few follow RFC 9068 §2.1."""
    accepted(IDP.token(header={"typ": typ}))


@pytest.mark.parametrize("member", ["x5t", "x5t#S256", "nonce", "org.example", "jku", "x5u", "x5c"])
def test_header_members_that_issuers_add_are_passed_over(member: str) -> None:
    """None of them is read: not a key address, not a certificate."""
    accepted(IDP.token(header={member: "https://evil.example.org/"}))


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["account", AUDIENCE]])
def test_our_audience_may_be_one_of_several(audience: object) -> None:
    """RFC 7519 §4.1.3."""
    accepted(IDP.token(aud=audience))


@pytest.mark.parametrize(
    ("path", "claims", "scopes"),
    [
        (("scope",), {"scope": "read write"}, {"read", "write"}),
        (("scope",), {"scope": ""}, set()),
        (("scope",), {"scope": None}, set()),
        (("scp",), {"scp": ["read", "write"]}, {"read", "write"}),
        (("scp",), {"scp": "read"}, {"read"}),
        (("roles",), {"roles": ["Domain Users", "read", 'x"', "", 7, None, ["admin"], "a\nb"]}, {"read"}),
        (("realm_access", "roles"), {"realm_access": {"roles": ["read"]}}, {"read"}),
        (("realm_access", "roles"), {"realm_access": ["roles"]}, set()),
        (("realm_access", "roles"), {"realm_access": "roles"}, set()),
        (("https://example.net/roles",), {"https://example.net/roles": ["read"]}, {"read"}),
        (("scope",), {"scope": {"read": True}}, set()),
        (("scope",), {"scope": 7}, set()),
    ],
)
def test_scopes_are_where_the_operator_says(path: tuple[str, ...], claims: dict[str, Any], scopes: set[str]) -> None:
    """Text or list, also inside objects; what cannot be a scope is none, and no scope becomes two."""
    server = trusting(IDP, scopes_claim=path)
    assert accepted(IDP.token(**({"scope": "admin"} | claims)), server).scopes == scopes


@pytest.mark.parametrize(
    ("claims", "client"),
    [
        ({"client_id": "app", "azp": "portal"}, "app"),
        ({"azp": None}, ""),
        ({"azp": "two\r\nlines"}, ""),
        ({"client_id": 5}, "portal"),
    ],
)
def test_the_client_is_told_where_it_can_stand_in_a_header(claims: dict[str, Any], client: str) -> None:
    assert accepted(IDP.token(**claims)).client_id == client


def test_clocks_may_differ_by_the_leeway() -> None:
    """After the end, and before the beginning."""
    server = trusting(IDP, leeway=LEEWAY)
    seconds = int(time.time())
    for token in (IDP.token(exp=seconds - 5), IDP.token(nbf=seconds + 5), IDP.token(iat=seconds + 30)):
        accepted(token, server)


# -- whose tokens they are --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("iss", [OTHER_ISSUER, ISSUER + "/", ISSUER.upper(), "", None, 5, [ISSUER], {ISSUER: 1}])
def test_who_is_not_trusted_is_none_of_our_business(iss: object) -> None:
    """The server's own rules decide then; letter by letter."""
    assert SERVER.verify(IDP.token(iss=iss), now()) is None


def test_what_is_no_object_is_none_of_our_business() -> None:
    for payload in (b"", b"[]", b"null", b"{", b"\xff", b'{"iss":"a","iss":"b"}'):
        if payload:
            assert SERVER.verify(IDP.signed(payload), now()) is None


def test_an_issuer_cannot_speak_for_another() -> None:
    """Each has keys and rules of its own, also where key ids are the same."""
    other = Issuer(IssuerKey(kid="first"), issuer=OTHER_ISSUER)
    server = trusting(IDP, other)
    accepted(IDP.token(), server)
    accepted(other.token(), server)
    assert "signature" in refusal(other.token(iss=ISSUER), server)
    assert "signature" in refusal(IDP.token(iss=OTHER_ISSUER), server)


def test_the_same_name_at_two_issuers_is_two_people_and_neither_is_an_account() -> None:
    """Whoever may choose their name there may choose the id of one of our accounts."""
    account = "0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a"
    other = Issuer(issuer=OTHER_ISSUER)
    server = trusting(IDP, other)
    subjects = {accepted(issuer.token(sub=account), server).subject for issuer in (IDP, other)}
    subjects.add(accepted(other.token(sub=f"{ISSUER}|{account}"), server).subject)
    assert len(subjects) == 3
    assert account not in subjects


# -- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize("signature", [None, "", "AA"])
def test_an_unsigned_token_is_refused_in_every_spelling(alg: str, signature: str | None) -> None:
    head, body, right = IDP.token(header={"alg": alg}).split(".")
    if signature != "":
        assert "not signed" in refusal(f"{head}.{body}.{right if signature is None else signature}")
    else:
        assert refusal(f"{head}.{body}.")


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_the_issuer_s_public_key_is_no_hmac_secret(alg: str) -> None:
    """In every form that a careless verifier might feed to HMAC. RFC 8725 §2.1."""
    public = IDP.keys[0].private.public_key()
    secrets = [
        public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo) for encoding in (Encoding.PEM, Encoding.DER)
    ]
    secrets += [json.dumps(IDP.keys[0].jwk).encode(), json.dumps(IDP.jwks).encode(), b"", secrets[0].strip()]
    for secret in secrets:
        assert "algorithm" in refusal(IDP.macced(secret, alg))


@pytest.mark.parametrize("alg", ["ES256", "RS512", "PS256", "rs256", "", None, 1, True, ["RS256"], {}])
def test_only_the_algorithms_of_the_setting_count(alg: object) -> None:
    """Whatever the header asks for, also where the signature is right."""
    assert refusal(IDP.token(header={"alg": alg}))


def test_a_key_serves_only_the_algorithm_that_it_names() -> None:
    """Where the issuer says which, although the operator allows both."""
    idp = Issuer(IssuerKey("RS256"))
    server = trusting(idp, algorithms=("RS256", "PS256"))
    accepted(idp.token(), server)
    assert "another algorithm" in refusal(idp.token(header={"alg": "PS256"}), server)


@pytest.mark.parametrize("used", ["RS256", "RS512", "PS384"])
def test_a_key_that_names_no_algorithm_serves_those_that_are_allowed(used: str) -> None:
    """Some issuers publish such keys; each signature counts only as what it is."""
    idp = Issuer(IssuerKey("RS256"))
    del idp.keys[0].jwk["alg"]
    server = trusting(idp, algorithms=("RS256", "PS384"))
    idp.keys[0].algorithm = used
    if used == "RS512":
        assert refusal(idp.token(), server)
    else:
        accepted(idp.token(), server)
        other = {"RS256": "PS384", "PS384": "RS256"}[used]
        assert "signature" in refusal(idp.token(header={"alg": other}), server)


@pytest.mark.parametrize("member", ["crit", "b64", "zip", "enc", "jwk"])
@pytest.mark.parametrize("value", [["exp"], [], {}, True, None, "DEF", IDP.keys[0].jwk])
def test_what_would_change_the_reading_of_a_token_is_refused(member: str, value: object) -> None:
    """`crit` outright, compression, unencoded payloads, and keys that a token brings along (CVE-2018-0114)."""
    header = {"alg": "RS256", "kid": "first", "typ": "JWT", member: value}
    assert "header parameters" in refusal(IDP.token(header=as_json(header)))


def test_a_token_cannot_bring_its_own_key_nor_say_where_it_lies() -> None:
    """Signed by the attacker's key, which the header holds or leads to."""
    thief = Issuer(IssuerKey(kid="thief"))
    url = "https://evil.example.org/jwks.json"
    for more in ({"jwk": thief.keys[0].jwk}, {"jku": url}, {"x5u": url}, {"x5c": ["MIIB"]}):
        for kid in ("first", "thief"):
            assert refusal(thief.token(header={**more, "kid": kid}))


@pytest.mark.parametrize("kind", ["id+jwt", "logout+jwt", "at", "", "JOSE", 1, ["JWT"], "secevent+jwt"])
def test_a_token_of_another_type_is_refused(kind: object) -> None:
    assert "another kind" in refusal(IDP.token(header={"typ": kind}))


@pytest.mark.parametrize(
    "kid", ["", "../../../../dev/null", "/proc/self/environ", "' OR '1'='1", "first ", "FIRST", "key\0", "\ud800"]
)
def test_a_key_id_is_only_looked_up(kid: str) -> None:
    """What is unknown may have come into use a moment ago: the refusal says so to the server, and whose it would be."""
    with pytest.raises(UnknownSigningKey) as caught:
        SERVER.verify(IDP.token(header={"kid": kid}), now())
    assert caught.value.issuer == ISSUER


@pytest.mark.parametrize("kid", [None, 0, True, ["first"], {"kid": "first"}])
def test_without_a_key_id_no_key_is_tried(kid: object) -> None:
    """Not the only one either: a key set may grow."""
    assert "by which key" in refusal(IDP.token(header={"kid": kid}))


# -- forms ------------------------------------------------------------------------------------------------------------


TOKEN = IDP.token()
HEAD, BODY, SIGNATURE = TOKEN.split(".")


@pytest.mark.parametrize(
    "token",
    [
        f"{HEAD}.{BODY}",
        f"{HEAD}.{BODY}.",
        f"{HEAD}.{BODY}.{SIGNATURE}.",
        f"{HEAD}=.{BODY}.{SIGNATURE}",
        f"{HEAD}.{BODY}.{SIGNATURE}==",
        f"{HEAD}.{BODY}.{SIGNATURE}A",
        f"{HEAD}.{BODY}.{SIGNATURE[:-1]}",
        f"{HEAD}.{BODY}.{SIGNATURE.swapcase()}",
        f" {TOKEN}",
        f"{TOKEN}\n",
        TOKEN + "A" * 10_000,
        f"{HEAD}..{BODY}.{BODY}.{SIGNATURE}",
        "a.b.c.d.e",
        "gpr_" + "A" * 76,
        json.dumps({"protected": HEAD, "payload": BODY, "signature": SIGNATURE}),
    ],
)
def test_only_the_compact_form_in_its_one_spelling_is_a_token(token: str) -> None:
    """No padding, no five parts, no refresh token as bearer."""
    assert refusal(token)


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="ascii"))
def test_any_changed_character_is_noticed(place: int, character: str) -> None:
    """Header, payload, signature and the dots between; or it is nobody's token at all."""
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    if changed != TOKEN:
        with contextlib.suppress(Unauthenticated):
            assert SERVER.verify(changed, now()) is None


@pytest.mark.parametrize(
    "header",
    [b"{}", b"null", b"[]", b"{", b"\xff", as_json({"alg": "RS256"})[:-1] + b',"alg":"none"}', b"[" * 2000],
    ids=lambda header: header[:20],
)
def test_a_header_that_is_not_one_plain_json_object_is_refused(header: bytes) -> None:
    assert refusal(IDP.token(header=header))


# -- claims -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "audience",
    [None, "", "another-api", [], ["another-api"], [[AUDIENCE]], {AUDIENCE: 1}, 5, f" {AUDIENCE}", AUDIENCE.upper()],
)
def test_a_token_for_another_api_is_refused(audience: object) -> None:
    """ID tokens too: their audience is a client."""
    assert "another API" in refusal(IDP.token(aud=audience))


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", [str(2**31), 2**31 + 0.5, True, [], {}, -1, 2**63, 10**30, 253402300800, "never"])
def test_a_time_is_an_integer_within_the_calendar(claim: str, value: object) -> None:
    """Not a string, float or boolean, not negative, not beyond the year 9999."""
    assert refusal(IDP.signed(IDP.claims() | {claim: value}))


@pytest.mark.parametrize("text", [b"1e400", b"-1e400", b"1e3", b"-0.0", b"9" * 2600])
def test_a_number_that_json_or_python_reads_in_its_own_way_is_no_time(text: bytes) -> None:
    claims = IDP.claims()
    payload = as_json(claims).replace(b'"exp": %d' % claims["exp"], b'"exp": ' + text)
    assert refusal(IDP.signed(payload))


def test_a_token_without_an_end_is_refused() -> None:
    """It would live for ever."""
    assert "claims" in refusal(IDP.token(exp=None))


def test_a_token_counts_in_its_time_only() -> None:
    """Over, not yet, or issued by a clock that is far ahead."""
    seconds = int(time.time())
    assert "expired" in refusal(IDP.token(exp=seconds))
    assert "later moment" in refusal(IDP.token(nbf=seconds + 5))
    assert "later moment" in refusal(IDP.token(iat=seconds + 120, exp=seconds + 3600))


@pytest.mark.parametrize("subject", [None, "", "two words", "a\r\nX-Gatepass-Scope: admin", "ä", 5, ["x"], "x" * 256])
def test_who_cannot_stand_in_a_header_does_not_pass(subject: object) -> None:
    """A line break would be a header of its own."""
    assert "names nobody" in refusal(IDP.token(sub=subject))
