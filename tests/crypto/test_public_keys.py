"""Which keys of a JWK Set are used, and for what. RFC 7517 §5, RFC 7518 §6."""

from __future__ import annotations

from typing import Any

import pytest

from gatepass.crypto.public_keys import public_keys
from gatepass.domain.signing_key import Algorithm
from tests.crypto.forger import encoded
from tests.verify.maker import MAKER, Maker

MAKERS = {algorithm: Maker(algorithm) for algorithm in (Algorithm.EDDSA, Algorithm.RS256)} | {Algorithm.ES256: MAKER}


@pytest.mark.parametrize("algorithm", sorted(MAKERS))
def test_a_published_key_verifies_its_own_signatures_and_no_others(algorithm: Algorithm) -> None:
    maker = MAKERS[algorithm]
    (key,) = public_keys(maker.jwks).values()
    signature = maker.key.sign(b"message")
    assert key.algorithm == algorithm
    assert key.accepts(b"message", signature)
    assert not key.accepts(b"massage", signature)
    for wrong in (b"", signature[:-1], signature + b"\x00", bytes(len(signature)), b"\xff" * len(signature)):
        assert not key.accepts(b"message", wrong)


def test_what_cannot_be_used_is_left_out() -> None:
    """A set may hold keys for other purposes and of kinds that are not known yet."""
    others: list[Any] = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "a"},
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "b"},
        {**MAKER.jwk, "kid": "c", "use": "enc"},
        {**MAKER.jwk, "kid": 5},
        {**MAKER.jwk, "kid": "d", "alg": "ES384"},
        {**MAKER.jwk, "kid": "e", "x": MAKER.jwk["x"] + "AA"},
        {**MAKER.jwk, "kid": "f", "y": encoded(bytes(32))},
        {**MAKER.jwk, "kid": "g", "y": 5},
        {**MAKERS[Algorithm.RS256].jwk, "kid": "h", "n": encoded(b"\xff" * 128)},
        {**MAKERS[Algorithm.EDDSA].jwk, "kid": "i", "x": "AAAA"},
        {"kty": "PQ", "kid": "j"},
        "nonsense",
        None,
        [],
    ]
    assert set(public_keys({"keys": [*others, MAKER.jwk]})) == {MAKER.key.id}
    with pytest.raises(ValueError, match="no key"):
        public_keys({"keys": others})


def test_the_first_of_two_with_one_id_counts() -> None:
    keys = public_keys({"keys": [MAKER.jwk, {**MAKERS[Algorithm.EDDSA].jwk, "kid": MAKER.key.id}]})
    assert keys[MAKER.key.id].algorithm == "ES256"


@pytest.mark.parametrize("jwks", [None, [], "x", {}, {"keys": {}}, {"keys": None}, {"keys": [MAKER.jwk] * 101}])
def test_what_is_no_set_is_refused(jwks: object) -> None:
    with pytest.raises(ValueError, match="not a JWK Set"):
        public_keys(jwks)
