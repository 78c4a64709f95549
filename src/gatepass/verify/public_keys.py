"""Public keys of a JWK Set, each for one algorithm. Source: RFC 7517, RFC 7518 §6, RFC 8037 §2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from gatepass.crypto.compact_jws import decode_base64url

_Check = Callable[[bytes, bytes], None]
"""Raises `InvalidSignature` unless a signature is right for a message."""

_P256_BYTES: Final = 32
_LEAST_RSA_BITS: Final = 2048
_MOST_RSA_BITS: Final = 8192
_MOST_KEYS: Final = 100


class PublicKey(NamedTuple):
    """A key that verifies with one algorithm, whatever a token asks for (RFC 8725 §3.1)."""

    algorithm: str
    check: _Check

    def accepts(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made the signature of the message."""
        try:
            self.check(signature, message)
        except InvalidSignature:
            return False
        return True


def public_keys(jwks: object) -> dict[str, PublicKey]:
    """
    The keys of a set that can verify, by their ids. Others are left out, as RFC 7517 §5 asks.

    Raises:
        ValueError: not a JWK Set, or one without a single usable key.
    """
    entries = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(entries, list) or len(entries) > _MOST_KEYS:
        raise ValueError("it is not a JWK Set")
    found: dict[str, PublicKey] = {}
    for entry in entries:
        if isinstance(entry, Mapping) and isinstance(kid := entry.get("kid"), str) and kid not in found:
            key = _public_key(entry)
            if key is not None:
                found[kid] = key
    if not found:
        raise ValueError("it has no key that can verify an assertion (ES256, EdDSA or RS256, with a kid)")
    return found


def _public_key(entry: Mapping[str, Any]) -> PublicKey | None:
    if entry.get("use", "sig") != "sig":
        return None
    try:
        match entry:
            case {"kty": "EC", "crv": "P-256", "x": str(x), "y": str(y)}:
                key = PublicKey("ES256", _es256(decode_base64url(x), decode_base64url(y)))
            case {"kty": "OKP", "crv": "Ed25519", "x": str(x)}:
                key = PublicKey("EdDSA", ed25519.Ed25519PublicKey.from_public_bytes(decode_base64url(x)).verify)
            case {"kty": "RSA", "n": str(n), "e": str(e)}:
                key = PublicKey("RS256", _rs256(decode_base64url(n), decode_base64url(e)))
            case _:
                return None
    except ValueError:
        return None
    return key if entry.get("alg", key.algorithm) == key.algorithm else None


def _es256(x: bytes, y: bytes) -> _Check:
    if len(x) != _P256_BYTES or len(y) != _P256_BYTES:
        raise ValueError("a coordinate of another length (RFC 7518 §6.2.1.2)")
    key = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), ec.SECP256R1()).public_key()
    scheme = ec.ECDSA(SHA256())

    def check(signature: bytes, message: bytes) -> None:
        if len(signature) != 2 * _P256_BYTES:
            raise InvalidSignature
        r, s = int.from_bytes(signature[:_P256_BYTES]), int.from_bytes(signature[_P256_BYTES:])
        key.verify(encode_dss_signature(r, s), message, scheme)

    return check


def _rs256(n: bytes, e: bytes) -> _Check:
    if not _LEAST_RSA_BITS <= 8 * len(n) <= _MOST_RSA_BITS:
        raise ValueError("an RSA key of another size (RFC 7518 §3.3)")
    key = rsa.RSAPublicNumbers(int.from_bytes(e), int.from_bytes(n)).public_key()
    scheme, digest = padding.PKCS1v15(), SHA256()
    return lambda signature, message: key.verify(signature, message, scheme, digest)
