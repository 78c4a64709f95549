"""The keys of access tokens: how each algorithm makes, signs and verifies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from joserfc import jwk, jws
from joserfc.errors import JoseError

from gatepass.domain.errors import KeyUnusable
from gatepass.domain.identifiers import KeyId
from gatepass.domain.secret import Secret
from gatepass.domain.signing_key import Algorithm

Signer = Callable[[bytes], bytes]
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

RSA_BITS: Final = (2048, 3072, 4096)
_RSA_EXPONENT: Final = 65_537
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P256_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class SigningKey:
    """
    A key pair, ready for use. Its id is the RFC 7638 thumbprint of `public_jwk`, which is JSON and ready to publish.

    `sign` gives the raw JWS signature of the bytes it gets.
    """

    id: KeyId
    algorithm: Algorithm
    public_jwk: str
    sign: Signer = field(repr=False)
    _verifier: jwk.Key = field(repr=False)
    _registry: jws.JWSRegistry = field(repr=False)

    def accepts(self, token: str, signature: bytes) -> bool:
        """
        Whether this key signed a compact JWS; by this key's own algorithm, whatever the token asks for.

        Args:
            signature: the token's last part, decoded. Each token has one valid signature only: of the two that ECDSA
                always has, the lower one, which `sign` makes.
        """
        if self.algorithm is Algorithm.ES256 and int.from_bytes(signature[_P256_BYTES:]) > _P256_ORDER // 2:
            return False
        try:
            jws.deserialize_compact(token, self._verifier, registry=self._registry)
        except (JoseError, ValueError):
            return False
        return True


def generate(algorithm: Algorithm, rsa_bits: int) -> Secret[bytes]:
    """
    A new private key as PKCS #8 DER. Takes up to a second for RSA: not for the event loop.

    Args:
        rsa_bits: size of an RS256 key; the other algorithms have one size.

    Raises:
        ValueError: a size that is not offered, or an algorithm that does not sign access tokens.
    """
    if rsa_bits not in RSA_BITS:
        raise ValueError(f"RSA keys have {', '.join(map(str, RSA_BITS))} bits here, not {rsa_bits}")
    key: PrivateKey
    match algorithm:
        case Algorithm.ES256:
            key = ec.generate_private_key(ec.SECP256R1())
        case Algorithm.EDDSA:
            key = ed25519.Ed25519PrivateKey.generate()
        case Algorithm.RS256:
            key = rsa.generate_private_key(_RSA_EXPONENT, rsa_bits)
        case _:
            raise ValueError(f"{algorithm} does not sign access tokens")
    return Secret(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def load(private_key: Secret[bytes], algorithm: Algorithm) -> SigningKey:
    """
    The key pair of a PKCS #8 DER private key.

    Raises:
        KeyUnusable: not a key for this algorithm.
    """
    try:
        key = load_der_private_key(private_key.reveal(), password=None)
    except ValueError:
        raise KeyUnusable(f"A {algorithm} signing key is damaged") from None
    verifier: jwk.Key
    match algorithm, key:
        case Algorithm.ES256, ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            verifier, sign = jwk.ECKey.import_key(_public_pem(key)), _es256(key)
        case Algorithm.EDDSA, ed25519.Ed25519PrivateKey():
            verifier, sign = jwk.OKPKey.import_key(_public_pem(key)), key.sign
        case Algorithm.RS256, rsa.RSAPrivateKey(key_size=bits) if bits in RSA_BITS:
            verifier, sign = jwk.RSAKey.import_key(_public_pem(key)), _rs256(key)
        case _:
            raise KeyUnusable(f"A signing key is not one for {algorithm}")
    key_id = KeyId(verifier.thumbprint())
    public = {**verifier.as_dict(private=False), "kid": key_id, "use": "sig", "alg": str(algorithm)}
    text = json.dumps(public, sort_keys=True, separators=(",", ":"))
    return SigningKey(key_id, algorithm, text, sign, verifier, OneAlgorithm(algorithm))


class OneAlgorithm(jws.JWSRegistry):
    """
    Knows a single algorithm, so that a token cannot choose (algorithm confusion, RFC 8725 §2.1).

    joserfc warns at each use of the name EdDSA, which RFC 9864 deprecates for Ed25519; a verifier that knows one
    curve only has nothing to confuse.
    """

    def __init__(self, algorithm: str) -> None:
        super().__init__(algorithms=[algorithm])

    def get_alg(self, name: str) -> Any:
        """The one algorithm."""
        if self.allowed is None or name not in self.allowed:
            raise JoseError("another algorithm than the key's")
        return self.algorithms[name]


def _es256(key: ec.EllipticCurvePrivateKey) -> Signer:
    scheme = ec.ECDSA(SHA256())

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, scheme))
        return r.to_bytes(_P256_BYTES) + min(s, _P256_ORDER - s).to_bytes(_P256_BYTES)

    return sign


def _rs256(key: rsa.RSAPrivateKey) -> Signer:
    scheme, digest = padding.PKCS1v15(), SHA256()
    return lambda message: key.sign(message, scheme, digest)


def _public_pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
