"""Clients that others wrote, through every door of OAuth 2, against a server process."""

from __future__ import annotations

import html
import json
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc import jwk
from oauthlib.oauth2 import BackendApplicationClient, WebApplicationClient
from requests_oauthlib import OAuth2Session as OauthlibSession

from gatepass.crypto.client_keys import ALGORITHMS
from gatepass.oauth.metadata import server_members
from gatepass.oauth.places import Places
from tests.e2e.conftest import EMAIL, PLAIN_PASSWORD, Site
from tests.kit.processes import post
from tests.neighbours.conftest import base_of, needed

FOLDER = Path(__file__).parent / "oauth_clients"
CALLBACK = "http://127.0.0.1:8765/callback"
INACTIVE = {"active": False}
# Its annotations are looked at by nobody, and requests warns of nothing here.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@dataclass(frozen=True)
class Clients:
    """A site with a client of each kind, and what they need to know."""

    site: Site
    issuer: str
    metadata: dict[str, Any]
    service: dict[str, str]
    web: dict[str, str]
    device: dict[str, str]
    signer: dict[str, str]
    key: jwk.ECKey

    def scopes_of(self, token: str) -> list[str] | None:
        """What a protected query says; None where the token is refused."""
        answer = post(self.site.address, "{ viewer { scopes } }", token)
        return None if "errors" in answer else answer["data"]["viewer"]["scopes"]


@pytest.fixture(scope="module")
def clients(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Clients:
    """Register clients as an operator would."""

    def add(*arguments: str) -> dict[str, str]:
        added: dict[str, str] = json.loads(
            site.operator("client", "add", *arguments, "--scope", "read", "--json").stdout
        )
        return added

    key = jwk.ECKey.generate_key("P-256")
    file = tmp_path_factory.mktemp("keys") / "public.json"
    file.write_text(json.dumps(key.as_dict(private=False)))
    issuer = base_of(site)
    return Clients(
        site,
        issuer,
        httpx2.get(f"{issuer}/.well-known/oauth-authorization-server").json(),
        service=add("Service"),
        web={**add("Web", "--redirect-uri", CALLBACK), "redirect_uri": CALLBACK},
        device=add("Television", "--public", "--grant", "device_code"),
        signer=add("Signer", "--keys", str(file)),
        key=key,
    )


def sign_in(address: str) -> str:
    """Follow the sign-in page as a person does; where the client is answered."""
    page = httpx2.get(address)
    assert page.status_code == 200, page.text
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
    fields = {name: html.unescape(value) for name, value in hidden}
    fields |= {"username": EMAIL, "password": PLAIN_PASSWORD, "answer": "allow"}
    base = urlsplit(address)
    answer = httpx2.post(f"{base.scheme}://{base.netloc}/oauth/authorize", data=fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def until_revoked(clients: Clients, token: str) -> None:
    """Within a second."""
    deadline = time.monotonic() + 1
    while clients.scopes_of(token) is not None:
        assert time.monotonic() < deadline, "the token still works"
        time.sleep(0.05)


def test_authlib_takes_the_metadata() -> None:
    """Of a server on https, which RFC 8414 wants."""
    https = "https://api.example.org"
    places = Places(issuer=https, public_url=https, resource=f"{https}/graphql", audience=f"{https}/graphql")
    AuthorizationServerMetadata(server_members(places, list(ALGORITHMS))).validate()


def test_authlib(clients: Clients) -> None:
    """Client credentials in three ways, code with PKCE, refresh, introspection, revocation."""
    metadata = clients.metadata
    for method in ("client_secret_basic", "client_secret_post"):
        service = AuthlibSession(
            clients.service["client_id"], clients.service["client_secret"], token_endpoint_auth_method=method
        )
        token = service.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        assert clients.scopes_of(token["access_token"]) == ["read"]

    signer = AuthlibSession(clients.signer["client_id"], clients.key, token_endpoint_auth_method="private_key_jwt")
    signer.register_client_auth_method(PrivateKeyJWT(metadata["token_endpoint"], alg="ES256"))
    token = signer.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert clients.scopes_of(token["access_token"]) == ["read"]

    web = AuthlibSession(
        clients.web["client_id"],
        clients.web["client_secret"],
        scope="read",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
    )
    verifier = "authlib-" + "v" * 48
    address, state = web.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    answered = sign_in(address)
    pair = web.fetch_token(
        metadata["token_endpoint"], authorization_response=answered, code_verifier=verifier, state=state
    )
    assert clients.scopes_of(pair["access_token"]) == ["read"]
    refreshed = web.refresh_token(metadata["token_endpoint"], refresh_token=pair["refresh_token"])
    said = web.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"]).json()
    assert (said["active"], said["client_id"]) == (True, clients.web["client_id"])
    revoked = web.revoke_token(metadata["revocation_endpoint"], token=refreshed["refresh_token"])
    assert revoked.status_code == 200
    until_revoked(clients, refreshed["access_token"])
    assert web.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"]).json() == INACTIVE


def test_requests_oauthlib(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it can do: client credentials, code with PKCE, refresh, and oauthlib's own form of a revocation."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    metadata = clients.metadata
    service = OauthlibSession(client=BackendApplicationClient(clients.service["client_id"]))
    token = service.fetch_token(metadata["token_endpoint"], client_secret=clients.service["client_secret"])
    assert clients.scopes_of(token["access_token"]) == ["read"]

    web = OauthlibSession(clients.web["client_id"], redirect_uri=CALLBACK, scope=["read"], pkce="S256")
    address, _ = web.authorization_url(metadata["authorization_endpoint"])
    secret = clients.web["client_secret"]
    pair = web.fetch_token(metadata["token_endpoint"], authorization_response=sign_in(address), client_secret=secret)
    assert clients.scopes_of(pair["access_token"]) == ["read"]
    proof = (clients.web["client_id"], secret)
    refreshed = web.refresh_token(metadata["token_endpoint"], auth=proof)
    assert refreshed["access_token"] != pair["access_token"]
    oauthlib = WebApplicationClient(clients.web["client_id"])
    address, headers, body = oauthlib.prepare_token_revocation_request(
        metadata["revocation_endpoint"], refreshed["refresh_token"]
    )
    assert requests.post(address, headers=headers, data=body, auth=proof, timeout=20).status_code == 200
    until_revoked(clients, refreshed["access_token"])


@pytest.fixture(scope="module")
def packages() -> None:
    """Install what the lockfile pins beside it, where Git does not look, once for each lockfile."""
    npm = needed("npm", "npm")
    needed("node", "nodejs")
    stamp, pins = FOLDER / "node_modules" / ".installed-for", (FOLDER / "package-lock.json").read_text("utf-8")
    if stamp.is_file() and stamp.read_text("utf-8") == pins:
        return
    command = [npm, "ci", "--silent", "--no-audit", "--no-fund", "--fetch-retries", "0", "--fetch-timeout", "20000"]
    if subprocess.run(command, cwd=FOLDER, capture_output=True, check=False, timeout=180).returncode:
        pytest.skip(f"needs npm packages from a registry: (cd {FOLDER.name} && npm ci)")
    stamp.write_text(pins, "utf-8")


def run(clients: Clients, script: str) -> dict[str, Any]:
    """Run a script of the folder on the site; what it reports."""
    knows = {
        "issuer": clients.issuer,
        "api": clients.site.address,
        "resource": clients.metadata["protected_resources"][0],
        "audience": f"{clients.issuer}/graphql",
        "username": EMAIL,
        "password": PLAIN_PASSWORD,
        "service": clients.service,
        "web": clients.web,
        "device": clients.device,
        "signer": {**clients.signer, "key": clients.key.as_dict(private=True)},
    }
    ended = subprocess.run(
        [needed("node", "nodejs"), script],
        cwd=FOLDER,
        input=json.dumps(knows),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@pytest.mark.usefixtures("packages")
def test_oauth4webapi(clients: Clients) -> None:
    """Discovery of both documents, every grant, and access tokens verified by two JOSE implementations."""
    found = run(clients, "oauth4webapi.mjs")
    assert found["resource"] == f"{clients.issuer}/graphql"
    assert (found["itself"], found["signed"], found["pair"], found["scopes"]) == ("read", "read", "read", ["read"])
    assert len(set(found["subject"])) == 1
    assert (found["before"], found["after"], found["afterwards"]) == (True, INACTIVE, None)


@pytest.mark.usefixtures("packages")
def test_openid_client(clients: Clients) -> None:
    """Discovery, client credentials, code with PKCE and `resource`, refresh, introspection, revocation, a device."""
    found = run(clients, "openid-client.mjs")
    assert (found["itself"], found["pair"], found["scopes"]) == ("read", "read", ["read"])
    assert (found["before"], found["after"], found["afterwards"]) == (True, INACTIVE, None)
    assert found["onDevice"] == ["read"]


@pytest.mark.usefixtures("packages")
def test_simple_oauth2(clients: Clients) -> None:
    """Client credentials, code with PKCE, refresh, revocation."""
    found = run(clients, "simple-oauth2.mjs")
    assert (found["itself"], found["pair"], found["scopes"]) == ("read", "read", ["read"])
    assert (found["state"], found["afterwards"]) == ("some state", None)
