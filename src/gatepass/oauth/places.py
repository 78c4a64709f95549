"""Where things are, as the outside sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gatepass.http.routes import JWKS_PATH

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
REVOCATION_PATH: Final = "/oauth/revoke"
INTROSPECTION_PATH: Final = "/oauth/introspect"
AUTHORIZATION_PATH: Final = "/oauth/authorize"
DEVICE_AUTHORIZATION_PATH: Final = "/oauth/device_authorization"
DEVICE_PATH: Final = "/oauth/device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """
    Addresses of one server.

    Args:
        issuer: what it calls itself in tokens.
        public_url: how it is reached; below that are its endpoints.
        resource: the address of the API.
        audience: what tokens call the API.
    """

    issuer: str
    public_url: str
    resource: str
    audience: str

    @property
    def is_https(self) -> bool:
        """Whether browsers reach it by HTTPS."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def host(self) -> str:
        """Its name, for people."""
        return urlsplit(self.public_url).netloc

    @property
    def resources(self) -> frozenset[str]:
        """As what the API may be named, with and without closing slash."""
        return frozenset({self.audience, self.resource, f"{self.resource}/"})

    @property
    def assertion_audiences(self) -> frozenset[str]:
        """As what a client may address this server in an assertion (RFC 7523 §3)."""
        return frozenset({self.issuer, self.token})

    @property
    def token(self) -> str:
        """The token endpoint."""
        return self.public_url + TOKEN_PATH

    @property
    def revocation(self) -> str:
        """The revocation endpoint."""
        return self.public_url + REVOCATION_PATH

    @property
    def introspection(self) -> str:
        """The introspection endpoint."""
        return self.public_url + INTROSPECTION_PATH

    @property
    def authorization(self) -> str:
        """The authorization endpoint."""
        return self.public_url + AUTHORIZATION_PATH

    @property
    def device_authorization(self) -> str:
        """The device authorization endpoint."""
        return self.public_url + DEVICE_AUTHORIZATION_PATH

    @property
    def device(self) -> str:
        """Where somebody types in the code that a device shows."""
        return self.public_url + DEVICE_PATH

    @property
    def jwks(self) -> str:
        """The public keys."""
        return self.public_url + JWKS_PATH
