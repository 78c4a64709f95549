"""The public keys of clients that sign: which kinds there are, and how they come in."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jwk, jws
from joserfc.errors import JoseError

from gatepass.crypto.compact_jws import json_object
from gatepass.crypto.signing_keys import OneAlgorithm
from gatepass.domain.errors import BadUserInput

ALGORITHMS: Final = ("ES256", "EdDSA", "PS256", "RS256")
"""With what a client may sign (RFC 7518 §3.1, RFC 8037); none has a secret that both sides know."""
MAX_KEYS: Final = 8
_MIN_RSA_BITS: Final = 2048
_RSA_EXPONENT: Final = 65_537
_MAX_RSA_BITS: Final = 4096
_PUBLIC_MEMBERS: Final = ("kty", "crv", "x", "y", "n", "e")
_BY_KIND: Final = {
    ("EC", "P-256"): frozenset({"ES256"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
    ("RSA", None): frozenset({"PS256", "RS256"}),
}


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A public key with the algorithms for which it is meant."""

    key_id: str | None
    algorithms: frozenset[str]
    public: jwk.Key

    def accepts(self, token: str, algorithm: str) -> bool:
        """Whether this key signed a compact JWS with that algorithm."""
        if algorithm not in self.algorithms:
            return False
        try:
            jws.deserialize_compact(token, self.public, registry=OneAlgorithm(algorithm))
        except (JoseError, ValueError):
            return False
        return True


def public_keys(text: str) -> str:
    """
    The JSON of a JWK Set with these public keys and nothing else.

    Args:
        text: a JWK Set, a JWK, or a public key in PEM.

    Raises:
        BadUserInput: none of those, a private key, or of a kind that is not taken.

    Source: RFC 7517 §4 and §5.
    """
    try:
        found = [_from_pem(text)] if text.lstrip().startswith("-----BEGIN") else _from_json(text)
    except (JoseError, ValueError, RecursionError, TypeError, KeyError):
        raise BadUserInput("These are no public keys: give a JWK Set, a JWK, or a public key in PEM.") from None
    if not 0 < len(found) <= MAX_KEYS:
        raise BadUserInput(f"A client has 1 to {MAX_KEYS} public keys.")
    return json.dumps({"keys": [_canonical(each) for each in found]}, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=256)
def load(jwks: str) -> tuple[ClientKey, ...]:
    """The keys in what `public_keys` gave; none in an empty text."""
    return tuple(_loaded(member) for member in json.loads(jwks)["keys"]) if jwks else ()


@cache
def stand_ins() -> tuple[ClientKey, ...]:
    """
    A key of each kind to which nobody has the private half: what is checked with it costs the usual, and is wrong.

    An RSA modulus of random bits is as dear to compute with as a real one, and at once there.
    """
    modulus = int.from_bytes(os.urandom(_MIN_RSA_BITS // 8)) | 1 << (_MIN_RSA_BITS - 1) | 1
    rsa_key = rsa.RSAPublicNumbers(_RSA_EXPONENT, modulus).public_key()
    members = (
        jwk.ECKey.generate_key("P-256").as_dict(private=False),
        jwk.OKPKey.generate_key("Ed25519").as_dict(private=False),
        jwk.RSAKey.import_key(rsa_key).as_dict(private=False),
    )
    return tuple(_loaded(dict(member)) for member in members)


def _from_pem(text: str) -> dict[str, Any]:
    if "PRIVATE" in text:
        raise BadUserInput("That is a private key: keep it where the client is, and give its public half.")
    key = load_pem_public_key(text.encode("ascii"))
    if isinstance(key, ec.EllipticCurvePublicKey):
        return dict(jwk.ECKey.import_key(text).as_dict(private=False))
    if isinstance(key, rsa.RSAPublicKey):
        return dict(jwk.RSAKey.import_key(text).as_dict(private=False))
    return dict(jwk.OKPKey.import_key(text).as_dict(private=False))


def _from_json(text: str) -> list[dict[str, Any]]:
    found = json_object(text.encode("utf-8"))
    keys = found.get("keys", [found])
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise ValueError("no keys")
    if any("d" in key or "k" in key for key in keys):
        raise BadUserInput("There is a private key among them: keep it where the client is, and give the public half.")
    return keys


def _canonical(member: dict[str, Any]) -> dict[str, Any]:
    """The public members alone. Whatever else stands there (`x5u`, `jku`) could only lead somewhere."""
    if member.get("use", "sig") != "sig":
        raise BadUserInput("A key is not for signatures: its 'use' must be 'sig'.")
    key_id, algorithm = member.get("kid"), member.get("alg")
    kept: dict[str, Any] = {name: member[name] for name in _PUBLIC_MEMBERS if name in member}
    kept |= {"kid": key_id} if isinstance(key_id, str) else {}
    kept |= {"alg": algorithm} if isinstance(algorithm, str) else {}
    try:
        _loaded(kept)
    except (JoseError, ValueError, TypeError, KeyError):
        raise BadUserInput(
            "A key is damaged, or of a kind that is not taken: P-256, Ed25519, or RSA of 2048 to 4096 bits."
        ) from None
    return kept


def _loaded(member: dict[str, Any]) -> ClientKey:
    """
    A key of one of our kinds.

    Raises:
        JoseError, ValueError, TypeError, KeyError: it is none.
    """
    key = jwk.import_key({name: value for name, value in member.items() if name in _PUBLIC_MEMBERS})
    algorithms = _BY_KIND[member["kty"], member.get("crv")]
    if isinstance(key, jwk.RSAKey) and not _MIN_RSA_BITS <= key.public_key.key_size <= _MAX_RSA_BITS:
        raise ValueError("an RSA key of another size")
    if (named := member.get("alg")) is not None:
        algorithms &= {"EdDSA" if named == "Ed25519" else named}
    if not algorithms:
        raise ValueError("an algorithm that is not for this key")
    return ClientKey(member.get("kid"), algorithms, key)
