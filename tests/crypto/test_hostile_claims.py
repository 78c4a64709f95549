"""Tokens with our own signature and wrong claims, and what their bearers read. RFC 9068 §4, RFC 8725 §3."""

from __future__ import annotations

import json

import pytest

from tests.crypto.forger import (
    AUDIENCE,
    ISSUER,
    NOW,
    SERVER,
    Server,
    as_json,
)

# -- claims, even with our own signature -------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", ["exp", "iat", "auth_time"])
@pytest.mark.parametrize(
    "value",
    [
        str(NOW + 60),
        float(NOW + 60),
        True,
        None,
        [NOW],
        {},
        -1,
        -(2**63),
        2**63,
        2**64,
        10**30,
        253402300800,
        "2026-03-01T12:00:00Z",
    ],
    ids=repr,
)
def test_a_time_is_an_integer_within_the_calendar(claim: str, value: object) -> None:
    """Not a string, float or boolean, not negative, not beyond the year 9999."""
    assert SERVER.refusal(SERVER.with_claims(**{claim: value}))


@pytest.mark.parametrize(
    "text", [b"1e400", b"-1e400", b"1e3", b"1E10", b"NaN", b"Infinity", b"-0.0", b"01", b"0x10", b"9" * 2600]
)
def test_a_number_that_json_or_python_reads_in_its_own_way_is_no_time(text: bytes) -> None:
    """Overflow to infinity, exponents, leading zeros, thousands of digits."""
    payload = as_json(SERVER.payload).replace(b'"exp": %d' % (NOW + 3600), b'"exp": ' + text)
    assert payload != as_json(SERVER.payload)
    assert SERVER.refusal(SERVER.forge(payload=payload))


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "sid", "auth_time", "amr"])
def test_no_claim_may_be_missing(claim: str) -> None:
    """A token without `exp` would live for ever, one without `sid` could not be revoked."""
    payload = {name: value for name, value in SERVER.payload.items() if name != claim}
    assert "claims" in SERVER.refusal(SERVER.forge(payload=payload))


@pytest.mark.parametrize(
    "audience",
    [
        [],
        [AUDIENCE, AUDIENCE],
        [AUDIENCE, "https://evil.example.org"],
        ["https://evil.example.org", AUDIENCE],
        [[AUDIENCE]],
        {AUDIENCE: 1},
        None,
        1,
        f" {AUDIENCE}",
        [""],
    ],
    ids=repr,
)
def test_the_audience_is_ours_and_nobody_else_s(audience: object) -> None:
    """A token for us and another API could be replayed by that other one. RFC 9068 §5."""
    assert SERVER.refusal(SERVER.with_claims(aud=audience))


@pytest.mark.parametrize("claim", ["sub", "sid"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        "admin",
        "0190c1a46c647cc08d3c6f1f6d6a4b1a",
        "{0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a}",
        "urn:uuid:0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a",
        "0190C1A4-6C64-7CC0-8D3C-6F1F6D6A4B1A",
        " 0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a",
        "0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a\n",
        "\uff10190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1a",
        None,
        7,
    ],
)
def test_account_and_session_are_uuids_in_one_spelling(claim: str, value: object) -> None:
    """Two spellings of a session would let one of them escape a revocation."""
    assert "claims" in SERVER.refusal(SERVER.with_claims(**{claim: value}))


@pytest.mark.parametrize(
    "members",
    [
        {"amr": "pwd"},
        {"amr": [1]},
        {"scope": ["admin"]},
        {"scope": None},
        {"client_id": 1},
        {"jti": None},
        {"iss": [ISSUER]},
    ],
)
def test_every_claim_has_its_type(members: dict[str, object]) -> None:
    """Nothing is coerced."""
    assert SERVER.refusal(SERVER.with_claims(**members))


@pytest.mark.parametrize(
    "payload",
    [
        b"null",
        b"[]",
        b"[" * 1500,
        b'"x"',
        b"\xff",
        as_json(SERVER.payload)[:-1] + b',"scope":"a","scope":"admin"}',
        as_json(SERVER.payload)[:-1] + b',"sub":"0190c1a4-6c64-7cc0-8d3c-6f1f6d6a4b1c"}',
        as_json(SERVER.payload)[:-1] + b',"x":{"a":1,"a":2}}',
        as_json(SERVER.payload)[:-1] + b',"x":NaN}',
        as_json(SERVER.payload)[:-1] + b',"x":[-Infinity]}',
        as_json(SERVER.payload) + as_json(SERVER.payload),
        b"\xef\xbb\xbf" + as_json(SERVER.payload),
        json.dumps(SERVER.payload).encode("utf-16"),
        json.dumps(SERVER.payload).encode("utf-32"),
    ],
    ids=lambda payload: payload[-20:],
)
def test_a_payload_that_is_not_one_plain_json_object_is_refused(payload: bytes) -> None:
    """Duplicates at any depth, other encodings, trailing content."""
    assert SERVER.refusal(SERVER.forge(payload=payload))


# -- what the caller reads ---------------------------------------------------------------------------------------------


def test_a_refresh_token_in_the_wrong_place_is_recognised() -> None:
    """The commonest mistake of all; the message says which field to send."""
    message = SERVER.refusal("gpr_" + "A" * 76)
    assert "refresh token" in message
    assert "signInRefresh" in message
    assert "accessToken" in message


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("correct-horse", "not an access token"),
        (SERVER.good[:-3], "signature|damaged"),
        (SERVER.good[:100], "not an access token"),
        ("a.b.c.d.e", "encrypted"),
        ("A" * 5000, "longer"),
        (Server().good, "another server"),
    ],
    ids=["a word", "cut at the end", "cut in the middle", "JWE", "too long", "a stranger's"],
)
def test_a_refusal_says_what_is_wrong_and_how_to_mend_it(token: str, says: str) -> None:
    """Every one names `signIn`, where a good token comes from."""
    message = SERVER.refusal(token)
    assert any(word in message for word in says.split("|"))
    assert "signIn" in message
