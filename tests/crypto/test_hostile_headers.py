"""Tokens that somebody made to get in: algorithms and headers. After Project Wycheproof, RFC 8725."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import import_key

from tests.crypto.forger import (
    AUDIENCE,
    BODY,
    CLAIMS,
    SERVER,
    SERVERS,
    SIGNATURE,
    Server,
    as_json,
    encoded,
)
from tests.crypto.key_store import NOON

JWK_MEMBERS = (
    "jku",
    "jwk",
    "x5u",
    "x5c",
    "x5t",
    "x5t#S256",
    "crit",
    "b64",
    "zip",
    "cty",
    "enc",
    "epk",
    "p2c",
    "url",
    "nonce",
)


def test_the_forger_of_these_tests_can_make_a_good_token() -> None:
    """Otherwise every refusal below would prove nothing."""
    for server in SERVERS.values():
        assert server.tokens.verify(server.forge(), NOON) == CLAIMS
        assert server.tokens.verify(server.with_header(typ="application/at+jwt"), NOON) == CLAIMS
        assert server.tokens.verify(server.with_header(typ="AT+JWT"), NOON) == CLAIMS
        assert server.tokens.verify(server.with_claims(aud=[AUDIENCE]), NOON) == CLAIMS
        assert server.tokens.verify(server.with_claims(of_a_later_version={"a": [1]}), NOON) == CLAIMS


# -- algorithms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize("signature", ["", SIGNATURE, "AA", encoded(bytes(64))])
def test_an_unsigned_token_is_refused_in_every_spelling(alg: str, signature: str) -> None:
    """`alg: none`. RFC 8725 §3.2."""
    token = f"{encoded(as_json({**SERVER.header, 'alg': alg}))}.{BODY}.{signature}"
    assert SERVER.refusal(token)


def public_keys() -> dict[str, bytes]:
    """Our public key in every form that a careless verifier might feed to HMAC."""
    key: Any = import_key(SERVER.public).get_op_key("verify")
    return {
        "PEM": key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "PEM without the last line feed": key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        "DER": key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "point": key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        "JWK": SERVER.key.public_jwk.encode(),
        "JWKS": SERVER.ring.jwks(),
        "nothing": b"",
    }


@pytest.mark.parametrize("form", public_keys())
@pytest.mark.parametrize(("alg", "digest"), [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")])
def test_our_public_key_is_no_hmac_secret(form: str, alg: str, digest: str) -> None:
    """Algorithm confusion. RFC 8725 §2.1."""
    message = f"{encoded(as_json({**SERVER.header, 'alg': alg}))}.{BODY}"
    mac = hmac.digest(public_keys()[form], message.encode(), digest)
    assert "algorithm" in SERVER.refusal(f"{message}.{encoded(mac)}")


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS.keys())
@pytest.mark.parametrize(
    "alg",
    [
        "ES256",
        "es256",
        "ES384",
        "ES256K",
        "EdDSA",
        "Ed25519",
        "RS256",
        "PS256",
        "HS256",
        "",
        " ES256",
        None,
        1,
        True,
        ["ES256"],
        {},
    ],
)
def test_a_token_cannot_choose_its_algorithm(server: Server, alg: object) -> None:
    """One algorithm for each key, whatever the header asks for, even with a signature that is right."""
    if alg != server.key.algorithm:
        assert server.refusal(server.with_header(alg=alg))


def test_a_header_without_algorithm_is_refused() -> None:
    """No default."""
    assert SERVER.refusal(SERVER.forge(header={"kid": SERVER.key.id, "typ": "at+jwt"}))


# -- header ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["JWT", "jwt", "at+jwtx", "at", "", "id+jwt", "logout+jwt", "application/jwt", None, 1, ["at+jwt"]]
)
def test_a_token_of_another_type_is_refused(kind: object) -> None:
    """An ID token or a logout token is no access token. RFC 9068 §4, RFC 8725 §3.11."""
    assert "another kind" in SERVER.refusal(SERVER.with_header(typ=kind))


def test_a_token_without_type_is_refused() -> None:
    """RFC 9068 §4."""
    assert "another kind" in SERVER.refusal(SERVER.forge(header={"alg": "ES256", "kid": SERVER.key.id}))


@pytest.mark.parametrize("member", JWK_MEMBERS)
@pytest.mark.parametrize("value", ["https://evil.example.org/jwks.json", ["exp"], [], {}, True, None, 100_000_000])
def test_a_token_brings_no_key_address_extension_or_compression(member: str, value: object) -> None:
    """Nothing is fetched, nothing is believed; `crit` is refused outright. RFC 8725 §3.10, CVE-2018-0114."""
    assert "header parameters" in SERVER.refusal(SERVER.with_header(**{member: value}))


def test_a_token_cannot_bring_its_own_key() -> None:
    """Signed by the attacker's key, which the header holds."""
    thief = Server()
    for header in (
        {**thief.header, "jwk": thief.public},
        {**thief.header, "kid": SERVER.key.id, "jwk": thief.public},
        {**thief.header, "kid": SERVER.key.id},
    ):
        assert SERVER.refusal(thief.forge(header=header))


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "../../../../dev/null",
        "/proc/self/environ",
        "' OR '1'='1",
        "x' UNION SELECT 'secret' --",
        "| id",
        "key\0",
        "\ud800",
        SERVER.key.id + " ",
        SERVER.key.id.swapcase(),
        SERVER.key.id[:-1],
        None,
        0,
        True,
        [SERVER.key.id],
        {"kid": SERVER.key.id},
    ],
)
def test_a_key_id_is_only_looked_up(kid: object) -> None:
    """It is no path, no query and no other type; what is not ours is another server's."""
    assert "another server" in SERVER.refusal(SERVER.with_header(kid=kid))


def test_a_refresh_key_verifies_no_access_token() -> None:
    """Even under its own id with its own MAC."""
    secret = SERVER.ring.active()
    message = f"{encoded(as_json({'alg': 'HS256', 'kid': secret.id.hex(), 'typ': 'at+jwt'}))}.{BODY}"
    mac = hmac.digest(secret.secret.reveal(), message.encode(), "sha256")
    assert SERVER.refusal(f"{message}.{encoded(mac)}")


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b'"at+jwt"',
        b"{",
        b"\xff\xfe",
        b"\xef\xbb\xbf" + as_json(SERVER.header),
        json.dumps(SERVER.header).encode("utf-16"),
        as_json(SERVER.header) + b"x",
        as_json(SERVER.header)[:-1] + b',"alg":"none"}',
        b'{"alg":"none",' + as_json(SERVER.header)[1:],
        b'{"\\u0061lg":"none",' + as_json(SERVER.header)[1:],
        b"[" * 2000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b'{"alg":NaN}',
        b'{"alg":' + b"9" * 2500 + b"}",
    ],
    ids=lambda header: header[:20],
)
def test_a_header_that_is_not_one_plain_json_object_is_refused(header: bytes) -> None:
    """No member twice, no byte-order mark, no other encoding, no nesting that ends the interpreter."""
    assert SERVER.refusal(SERVER.forge(header=header))
