"""
What this server can do, for programs that ask: `/.well-known/oauth-authorization-server` and `…-protected-resource`.

Where the issuer or the API has a path, the documents are also where their specifications put them: the well-known part
stands between host and path.

Source: RFC 8414 §2 and §3.1, RFC 9728 §2 and §3.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from gatepass.domain.client import GrantType
from gatepass.http.edge import Handler
from gatepass.http.messages import Request, Response
from gatepass.http.refusals import MethodNotAllowed
from gatepass.http.security_headers import NOT_A_PAGE
from gatepass.oauth.errors import JSON
from gatepass.oauth.places import Places

SERVER_PATH: Final = "/.well-known/oauth-authorization-server"
RESOURCE_PATH: Final = "/.well-known/oauth-protected-resource"
_CACHING: Final = (b"cache-control", b"public, max-age=300")
_WITH_A_SECRET: Final = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


class Document:
    """A JSON document that is the same for everybody until the next start."""

    def __init__(self, members: Mapping[str, Any], operation: str) -> None:
        self._body = msgspec.json.encode(members)
        self._operation = operation

    async def __call__(self, request: Request) -> Response:
        """Serve it."""
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("This address is for GET.", allow="GET, HEAD")
        headers = [JSON, _CACHING, NOT_A_PAGE]
        return Response(200, self._body, headers, operation=self._operation)


def metadata_routes(places: Places, algorithms: Iterable[str]) -> dict[str, Handler]:
    """
    The handlers by path.

    Args:
        algorithms: with what clients may sign.
    """
    server = Document(server_members(places, list(algorithms)), "metadata")
    resource = Document(resource_members(places), "metadata")
    return {
        **dict.fromkeys(_addresses(SERVER_PATH, places.issuer), server),
        **dict.fromkeys(_addresses(RESOURCE_PATH, places.resource), resource),
    }


def server_members(places: Places, algorithms: list[str]) -> Mapping[str, Any]:
    """The members of RFC 8414 §2, RFC 8628 §4, RFC 9207 §3 and RFC 9728 §4."""
    return {
        "issuer": places.issuer,
        "authorization_endpoint": places.authorization,
        "token_endpoint": places.token,
        "device_authorization_endpoint": places.device_authorization,
        "revocation_endpoint": places.revocation,
        "introspection_endpoint": places.introspection,
        "jwks_uri": places.jwks,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": sorted(GrantType),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", *_WITH_A_SECRET],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": ["none", *_WITH_A_SECRET],
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": _WITH_A_SECRET,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "authorization_response_iss_parameter_supported": True,
        "protected_resources": [places.resource],
    }


def resource_members(places: Places) -> Mapping[str, Any]:
    """The members of RFC 9728 §2."""
    return {
        "resource": places.resource,
        "authorization_servers": [places.issuer],
        "jwks_uri": places.jwks,
        "bearer_methods_supported": ["header"],
    }


def _addresses(well_known: str, identifier: str) -> list[str]:
    path = urlsplit(identifier).path.rstrip("/")
    return [well_known, f"{well_known}{path}"] if path else [well_known]
