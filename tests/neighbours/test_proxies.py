"""nginx asks `/authz`, HAProxy verifies access tokens itself. The service behind them believes their headers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.docs.test_pages import make_certificate
from tests.e2e.conftest import Site
from tests.kit.processes import free_port, post
from tests.neighbours.conftest import Person, Starts, base_of, needed, put, python, shown

WHO = {"query": "{ viewer { subject scopes } }"}
CLAIMS = {
    "X-Gatepass-Subject": "the-king",
    "X-Gatepass-Scope": "write",
    "X_Gatepass_Subject": "the-king",
    "X_Gatepass_Scope": "write",
    "X-GATEPASS-SCOPE": "all",
}
NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/pid;
error_log stderr warn;
events {{}}
http {{
access_log off;
client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
{shown}
}}
"""


class Proxy:
    """A proxy in front of the register."""

    def __init__(self, address: str, client: httpx2.Client) -> None:
        self.address = address
        self._client = client

    def asks(self, headers: dict[str, str] | None = None, **more: Any) -> httpx2.Response:
        return self._client.post(f"{self.address}/graphql", json=WHO, headers=headers, **more)

    def viewer(self, headers: dict[str, str]) -> Any:
        answer = self.asks(headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["viewer"]


@pytest.fixture(scope="module")
def nginx(site: Site, register: str, folder: Path, starts: Starts, client: httpx2.Client) -> Proxy:
    """Run nginx with the block of the documentation."""
    program = needed("nginx", "nginx-light")
    port = free_port()
    make_certificate(folder)
    text = put(
        shown("forward-auth", "nginx"),
        {
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "/etc/ssl/reports.example.org": str(folder),
            "http://127.0.0.1:4000": register.removesuffix("/graphql"),
            "http://127.0.0.1:8000": base_of(site),
        },
    )
    user = "user root;" if folder.owner() == "root" else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, shown=text, user=user), "utf-8")
    starts(program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf"), port=port)
    return Proxy(f"https://127.0.0.1:{port}", client)


@pytest.fixture(scope="module")
def haproxy_cfg(site: Site, register: str, folder: Path) -> str:
    """Return the block of the documentation, with the keys that its script writes."""
    (folder / "jwks_to_pem.py").write_text(shown("verify-access-tokens", "python"), "utf-8")
    renew = ("jwks_to_pem.py", f"{base_of(site)}/.well-known/jwks.json", ".")
    assert python(*renew, folder=folder) == 0, "keys are new"
    assert python(*renew, folder=folder) == 1, "nothing has changed"
    return put(
        shown("verify-access-tokens", "haproxy"),
        {
            "/etc/haproxy": str(folder),
            "https://api.example.org": base_of(site),
            "127.0.0.1:4000": register.removeprefix("http://").removesuffix("/graphql"),
        },
    )


RunsHaproxy = Callable[..., Proxy]


@pytest.fixture(scope="module")
def runs_haproxy(haproxy_cfg: str, folder: Path, starts: Starts, client: httpx2.Client) -> RunsHaproxy:
    """Run HAProxy with that, or with something in it changed."""
    program = needed("haproxy", "haproxy")

    def run(**changes: str) -> Proxy:
        port = free_port()
        file = folder / f"haproxy-{port}.cfg"
        text = put(haproxy_cfg, {"127.0.0.1:8080": f"127.0.0.1:{port}"} | changes)
        file.write_text(f"{text}\n", "utf-8")
        neighbour = starts(program, "-db", "-f", str(file), port=port)
        assert "WARNING" not in neighbour.said
        return Proxy(f"http://127.0.0.1:{port}", client)

    return run


@pytest.fixture(scope="module")
def haproxy(runs_haproxy: RunsHaproxy) -> Proxy:
    """Run HAProxy as documented."""
    return runs_haproxy()


@pytest.fixture(params=["nginx", "haproxy"])
def proxy(request: pytest.FixtureRequest) -> Proxy:
    """Return each of them."""
    found: Proxy = request.getfixturevalue(request.param)
    return found


def test_who_is_signed_in_passes_and_is_known_behind_it(proxy: Proxy, site: Site, ana: Person) -> None:
    """By the account's id, as through the gateway itself."""
    through_gateway = post(site.address, WHO["query"], ana.token)["data"]["viewer"]
    assert proxy.viewer(ana.headers) == through_gateway
    assert through_gateway["scopes"] == ["read"]


def test_what_a_client_claims_of_itself_is_gone(proxy: Proxy, ana: Person) -> None:
    """Plain headers in any spelling, and an assertion that is none of this proxy's."""
    viewer = proxy.viewer({**CLAIMS, **ana.headers, "X-Gatepass-Assertion": "a.b.c"})
    assert viewer["scopes"] == ["read"]
    assert viewer["subject"] != "the-king"


def test_who_is_not_signed_in_gets_a_challenge(proxy: Proxy) -> None:
    answer = proxy.asks(CLAIMS)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "viewer" not in answer.text


def test_who_lacks_the_scope_is_refused(proxy: Proxy, cy: Person) -> None:
    assert proxy.asks({**CLAIMS, **cy.headers}).status_code == 403


def test_no_other_token_passes(proxy: Proxy, ana: Person) -> None:
    """A refresh token, a token that was changed, one of nobody's, none."""
    head, payload, signature = ana.token.split(".")
    swapped = signature[:20] + ("A" if signature[20] != "A" else "B") + signature[21:]
    none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0"
    for token in (ana.refresh_token, f"{head}.{payload}.{swapped}", f"{none}.{payload}.", f"{head}.{payload}.", "x"):
        assert proxy.asks({"Authorization": f"Bearer {token}"}).status_code == 401, token
    assert proxy.asks({"Authorization": ana.token}).status_code == 401
    assert proxy.asks({"Authorization": f"Basic {ana.token}"}).status_code == 401


def test_nginx_takes_the_other_spelling_too(nginx: Proxy, ana: Person) -> None:
    assert nginx.viewer({"Authorisation": ana.headers["Authorization"]})["scopes"] == ["read"]


def test_nginx_passes_large_bodies_and_other_methods(nginx: Proxy, ana: Person, client: httpx2.Client) -> None:
    """The question goes without the body, so nobody waits for one."""
    large = {**WHO, "variables": {"filler": "x" * 60_000}}
    answer = client.post(f"{nginx.address}/graphql", json=large, headers=ana.headers)
    assert answer.status_code == 200
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        assert client.request(method, f"{nginx.address}/nowhere").status_code == 401
        assert client.request(method, f"{nginx.address}/nowhere", headers=ana.headers).status_code in (404, 405)


def test_nginx_sees_a_sign_out_within_a_second(nginx: Proxy, site: Site, ana: Person) -> None:
    assert nginx.asks(ana.headers).status_code == 200
    post(site.address, "mutation { signOut { sessions } }", ana.token)
    deadline = time.monotonic() + 1
    while (answer := nginx.asks(ana.headers)).status_code == 200:
        assert time.monotonic() < deadline, "a second has passed"
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_haproxy_wants_a_token_of_this_issuer_for_this_audience(
    runs_haproxy: RunsHaproxy, site: Site, ana: Person
) -> None:
    """The same keys also sign what is for others."""
    for line in (f"str {base_of(site)}/graphql\n", f"str {base_of(site)}\n"):
        assert runs_haproxy(**{line: "str https://elsewhere\n"}).asks(ana.headers).status_code == 401


def test_haproxy_refuses_what_has_expired(runs_haproxy: RunsHaproxy, ana: Person) -> None:
    """By its own clock, here two hours ahead."""
    assert runs_haproxy(**{"date()": "date(7200)"}).asks(ana.headers).status_code == 401


def test_nginx_lets_nobody_in_while_gatepass_is_gone(nginx: Proxy, site: Site, ana: Person) -> None:
    """The last test of this file, since it takes Gatepass away from the others."""
    site.server.kill()
    assert nginx.asks(ana.headers).status_code == 500
