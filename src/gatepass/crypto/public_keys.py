"""
Public keys of a JWK Set, each for one algorithm. Needs `cryptography` alone, since APIs behind the gateway use it too.

Source: RFC 7517, RFC 7518 §6, RFC 8037 §2, RFC 9864.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from gatepass.crypto.compact_jws import decode_base64url

_Check = Callable[[bytes, bytes], None]
"""Raises `InvalidSignature` unless a signature is right for a message."""

_Hash = type[SHA256] | type[SHA384] | type[SHA512]
_CURVES: Final[Mapping[object, tuple[str, ec.EllipticCurve, _Hash]]] = {
    "P-256": ("ES256", ec.SECP256R1(), SHA256),
    "P-384": ("ES384", ec.SECP384R1(), SHA384),
    "P-521": ("ES512", ec.SECP521R1(), SHA512),
}
_RSA: Final[Mapping[str, _Hash]] = {
    f"{family}{size}": digest
    for family in ("RS", "PS")
    for size, digest in ((256, SHA256), (384, SHA384), (512, SHA512))
}
_ED25519: Final = ("EdDSA", "Ed25519")
OURS: Final = ("ES256", "EdDSA", "RS256")
"""What Gatepass itself signs with; one for each kind of key."""
ASYMMETRIC: Final = (*(name for name, _, _ in _CURVES.values()), *_ED25519, *_RSA)
"""Every algorithm that can be verified here. None has a secret that both sides know."""
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
    The keys of a Gatepass's set, by their ids.

    Raises:
        ValueError: as `keys_by_algorithm`.
    """
    return {key_id: key for (key_id, _), key in keys_by_algorithm(jwks, OURS).items()}


def keys_by_algorithm(jwks: object, algorithms: Collection[str]) -> dict[tuple[str, str], PublicKey]:
    """
    The keys of a set that can verify, by id and algorithm. Others are left out, as RFC 7517 §5 asks.

    An RSA key that names no algorithm serves every one of its kind that is allowed.

    Args:
        algorithms: those that are allowed, of `ASYMMETRIC`.

    Raises:
        ValueError: not a JWK Set, or one without a single usable key.
    """
    entries = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(entries, list) or len(entries) > _MOST_KEYS:
        raise ValueError("it is not a JWK Set")
    found: dict[tuple[str, str], PublicKey] = {}
    seen: set[str] = set()
    for entry in entries:
        if isinstance(entry, Mapping) and isinstance(kid := entry.get("kid"), str) and kid not in seen:
            usable = {(kid, key.algorithm): key for key in _usable(entry, algorithms)}
            found |= usable
            seen |= {kid} if usable else set()
    if not found:
        raise ValueError(f"it has no key that can verify anything ({', '.join(algorithms)}, with a kid)")
    return found


def _usable(entry: Mapping[str, Any], algorithms: Collection[str]) -> list[PublicKey]:
    operations = entry.get("key_ops")
    if entry.get("use", "sig") != "sig" or (isinstance(operations, list) and "verify" not in operations):
        return []
    try:
        keys = list(_keys_of(entry))
    except ValueError:
        return []
    named = entry.get("alg")
    return [key for key in keys if key.algorithm in algorithms and named in (None, *_synonyms(key.algorithm))]


def _synonyms(algorithm: str) -> tuple[str, ...]:
    return _ED25519 if algorithm in _ED25519 else (algorithm,)


def _keys_of(entry: Mapping[str, Any]) -> Iterator[PublicKey]:
    match entry:
        case {"kty": "EC", "crv": str(crv), "x": str(x), "y": str(y)} if crv in _CURVES:
            algorithm, curve, digest = _CURVES[crv]
            yield PublicKey(algorithm, _ecdsa(curve, digest(), decode_base64url(x), decode_base64url(y)))
        case {"kty": "OKP", "crv": "Ed25519", "x": str(x)}:
            check = ed25519.Ed25519PublicKey.from_public_bytes(decode_base64url(x)).verify
            yield from (PublicKey(algorithm, check) for algorithm in _ED25519)
        case {"kty": "RSA", "n": str(n), "e": str(e)}:
            key = _rsa_key(decode_base64url(n), decode_base64url(e))
            yield from (PublicKey(name, _rsa(key, name, digest())) for name, digest in _RSA.items())


def _ecdsa(curve: ec.EllipticCurve, digest: SHA256 | SHA384 | SHA512, x: bytes, y: bytes) -> _Check:
    size = (curve.key_size + 7) // 8
    if len(x) != size or len(y) != size:
        raise ValueError("a coordinate of another length (RFC 7518 §6.2.1.2)")
    key = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), curve).public_key()
    scheme = ec.ECDSA(digest)

    def check(signature: bytes, message: bytes) -> None:
        if len(signature) != 2 * size:
            raise InvalidSignature
        r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
        key.verify(encode_dss_signature(r, s), message, scheme)

    return check


def _rsa_key(n: bytes, e: bytes) -> rsa.RSAPublicKey:
    if not _LEAST_RSA_BITS <= 8 * len(n) <= _MOST_RSA_BITS:
        raise ValueError("an RSA key of another size (RFC 7518 §3.3)")
    return rsa.RSAPublicNumbers(int.from_bytes(e), int.from_bytes(n)).public_key()


def _rsa(key: rsa.RSAPublicKey, name: str, digest: SHA256 | SHA384 | SHA512) -> _Check:
    """PKCS #1 v1.5, or PSS with a salt as long as the digest (RFC 7518 §3.5)."""
    if name.startswith("RS"):
        return lambda signature, message: key.verify(signature, message, padding.PKCS1v15(), digest)
    pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
    return lambda signature, message: key.verify(signature, message, pss, digest)
