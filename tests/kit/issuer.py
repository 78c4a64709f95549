"""Another issuer of access tokens, as identity providers are: a few keys of any kind, and tokens of any form."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from joserfc import jwk

ISSUER = "https://login.example.net/realms/staff"
AUDIENCE = "companies-api"
_HASHES = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
_CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def as_json(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


class IssuerKey:
    """One key; `jwk` is its public half as the issuer publishes it."""

    def __init__(self, algorithm: str = "RS256", kid: str = "first", bits: int = 2048) -> None:
        self.algorithm, self.kid = algorithm, kid
        self.private: PrivateKey
        if algorithm in _CURVES:
            self.private = ec.generate_private_key(_CURVES[algorithm])
        elif algorithm in ("EdDSA", "Ed25519"):
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = rsa.generate_private_key(65_537, bits)
        kinds: dict[str, Any] = {"ES": jwk.ECKey, "Ed": jwk.OKPKey, "RS": jwk.RSAKey, "PS": jwk.RSAKey}
        public = kinds[algorithm[:2]].import_key(self.private.public_key())
        self.jwk: dict[str, Any] = {**public.as_dict(private=False), "kid": kid, "use": "sig", "alg": algorithm}

    def sign(self, message: bytes) -> bytes:
        match self.private:
            case ec.EllipticCurvePrivateKey():
                size = (self.private.curve.key_size + 7) // 8
                r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(_HASHES[self.algorithm[2:]])))
                return r.to_bytes(size) + s.to_bytes(size)
            case ed25519.Ed25519PrivateKey():
                return self.private.sign(message)
            case _:
                digest = _HASHES[self.algorithm[2:]]
                if self.algorithm.startswith("PS"):
                    pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
                    return self.private.sign(message, pss, digest)
                return self.private.sign(message, padding.PKCS1v15(), digest)


class Issuer:
    """Signs whatever it is asked to."""

    def __init__(self, *keys: IssuerKey, issuer: str = ISSUER) -> None:
        self.keys = list(keys or (IssuerKey(),))
        self.issuer = issuer

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.jwk for key in self.keys]}

    def claims(self, **members: object) -> dict[str, Any]:
        """What a good token says; None takes a claim away."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer, "aud": AUDIENCE, "sub": "248289761001", "exp": now + 600, "iat": now,
            "azp": "portal", "scope": "read write",
        } | members  # fmt: skip
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self, key: IssuerKey | None = None, header: Mapping[str, object] | bytes | None = None, **members: Any
    ) -> str:
        """A token of this issuer with some claims changed."""
        return self.signed(self.claims(**members), key, header)

    def signed(
        self, claims: object, key: IssuerKey | None = None, header: Mapping[str, object] | bytes | None = None
    ) -> str:
        """Anything, signed. A header given as a mapping changes the usual one, None takes a member away."""
        key = key or self.keys[-1]
        usual: dict[str, object] = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}
        if not isinstance(header, bytes):
            header = {name: value for name, value in (usual | dict(header or {})).items() if value is not None}
        message = f"{encoded(as_json(header))}.{encoded(as_json(claims))}"
        return f"{message}.{encoded(key.sign(message.encode()))}"

    def macced(self, secret: bytes, alg: str = "HS256") -> str:
        """A token whose signature is an HMAC under a secret that everybody knows."""
        header = {"alg": alg, "kid": self.keys[-1].kid, "typ": "JWT"}
        message = f"{encoded(as_json(header))}.{encoded(as_json(self.claims()))}"
        digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[alg]
        return f"{message}.{encoded(hmac.digest(secret, message.encode(), digest))}"
