"""The headers that protect callers, on every route: one snapshot. OWASP ASVS 5.0 V3.4; TLS is a proxy's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.kit.me_app import MeApp
from tests.kit.world import SIGN_IN, Person, World, add_account, running, settings_for
from tests.wire.conftest import ANA_PASSWORD

WATCHED = (
    "access-control-allow-origin",
    "cache-control",
    "content-security-policy",
    "cross-origin-opener-policy",
    "referrer-policy",
    "vary",
    "x-content-type-options",
    "x-frame-options",
)
ALWAYS = {
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
NO_PAGE = {"content-security-policy": "default-src 'none'; frame-ancestors 'none'"}
NO_STORE = {"cache-control": "no-store"}
API = {**NO_STORE, **NO_PAGE, "vary": "Accept"}
FORM_PAGE = {
    **NO_STORE,
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-frame-options": "DENY",
}
APP = "https://app.example.org"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    settings = settings_for(tmp_path, cors_origins=[APP], ide="plain")
    await add_account(settings, "ana@example.org", ANA_PASSWORD, "read")
    async with running(settings, MeApp()) as started:
        yield started


def protecting(response: httpx2.Response) -> dict[str, str]:
    """The headers of the snapshot; each at most once, but Vary."""
    for name in WATCHED:
        assert len(response.headers.get_list(name)) <= (2 if name == "vary" else 1), name
    return {name: response.headers[name] for name in WATCHED if name in response.headers}


async def test_one_snapshot_of_routes_and_headers(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, ide="plain")
    await add_account(settings, "ana@example.org", ANA_PASSWORD, "read")
    async with running(settings) as world:
        tokens = await Person(world, "ana@example.org", ANA_PASSWORD).signs_in()
        bearer = {"Authorization": f"Bearer {tokens.access}"}
        client = world.client
        found = {
            "sign-in": await client.post("/graphql/", json={"query": SIGN_IN, "variables": {}}),
            "signed in": await client.post("/graphql", json={"query": "{ gatepass { issuer } }"}, headers=bearer),
            "no bearer": await client.post("/graphql", json={"query": "{ hello }"}),
            "the page": await client.get("/graphql/", headers={"Accept": "text/html"}),
            "not found": await client.get("/nowhere"),
            "method": await client.put("/livez"),
            "livez": await client.get("/livez"),
            "readyz": await client.get("/readyz"),
            "metrics": await client.get("/metrics"),
            "jwks": await client.get("/.well-known/jwks.json"),
            "metadata": await client.get("/.well-known/oauth-authorization-server"),
            "token": await client.post("/oauth/token", data={"grant_type": "refresh_token"}),
            "device page": await client.get("/oauth/device"),
            "authz": await client.get("/authz"),
        }
    assert {name: _others(response) for name, response in found.items()} == {
        "sign-in": API,
        "signed in": API,
        "no bearer": API,
        "the page": _page(found["the page"]),
        "not found": {**NO_STORE, **NO_PAGE},
        "method": {**NO_STORE, **NO_PAGE},
        "livez": {**NO_STORE, **NO_PAGE},
        "readyz": {**NO_STORE, **NO_PAGE},
        "metrics": {**NO_STORE, **NO_PAGE},
        "jwks": {"cache-control": "public, max-age=300", **NO_PAGE},
        "metadata": {"cache-control": "public, max-age=300", **NO_PAGE},
        "token": {**NO_STORE, **NO_PAGE},
        "device page": FORM_PAGE,
        "authz": {**NO_STORE, **NO_PAGE},
    }


def _others(response: httpx2.Response) -> dict[str, str]:
    """Those that differ; the others must be there."""
    headers = protecting(response)
    assert {name: headers.pop(name, "missing") for name in ALWAYS} == ALWAYS, response.url
    return headers


def _page(response: httpx2.Response) -> dict[str, str]:
    """Of the page for browsers the policy is its own; here it only must not let anything in from elsewhere."""
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "https:" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    headers = protecting(response)
    return {name: headers[name] for name in headers if name not in ALWAYS}


class TestOtherOrigins:
    """CORS: none by default, an exact list, never `*`, never with credentials, `null` is nobody."""

    async def test_a_page_of_the_list_may_read(self, world: World) -> None:
        answered = await world.posts("{ gatepass { issuer } }", headers={"Origin": APP})
        assert answered.headers["access-control-allow-origin"] == APP
        assert "Origin" in answered.headers["vary"]
        assert "access-control-allow-credentials" not in answered.headers

    @pytest.mark.parametrize(
        "origin",
        ["null", "https://app.example.org.evil.example", "https://app.example.org:8443", "http://app.example.org", "*",
         "HTTPS://APP.EXAMPLE.ORG", "https://app.example.org/", ""],
    )  # fmt: skip
    async def test_no_other_page_may(self, world: World, origin: str) -> None:
        for response in (
            await world.client.post("/graphql", json={"query": "{ gatepass { issuer } }"}, headers={"Origin": origin}),
            await world.client.options("/graphql", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}),
        ):
            assert not [name for name in response.headers if name.startswith("access-control-")]
            assert "Origin" in response.headers["vary"]

    async def test_a_browser_that_asks_first_is_told(self, world: World) -> None:
        headers = {
            "Origin": APP,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        response = await world.client.options("/graphql/", headers=headers)
        assert response.status_code == 204
        assert response.headers["access-control-allow-origin"] == APP
        assert response.headers["access-control-allow-methods"] == "GET, POST"
        assert "Authorization" in response.headers["access-control-allow-headers"]

    @pytest.mark.parametrize("path", ["/authz", "/authz/", "/authz/graphql", "/%61uthz/x"])
    async def test_a_browser_that_asks_through_a_proxy_gets_no_verdict_that_lets_it_in(
        self, world: World, path: str
    ) -> None:
        """It asks what is behind the proxy, and some proxies let pass what any 2xx is said to."""
        headers = {"Origin": APP, "Access-Control-Request-Method": "POST"}
        assert (await world.client.options(path, headers=headers)).status_code == 401

    @pytest.mark.parametrize("origin", ["*", "null", "app.example.org", "https://app.example.org/", "ftp://a.example"])
    def test_what_is_no_origin_cannot_be_set(self, tmp_path: Path, origin: str) -> None:
        with pytest.raises(Exception, match="origins such as"):
            settings_for(tmp_path, cors_origins=[origin])


@pytest.mark.parametrize(
    "query", ["access_token=x", "refreshToken=x", "password=x", "a=1&Access_Token=x", "%61ccess_token=x"]
)
async def test_tokens_in_the_address_are_refused(world: World, query: str) -> None:
    """They would stand in histories, logs and Referer headers. RFC 9700 §4.3.2."""
    for response in (
        await world.client.post(f"/graphql?{query}", json={"query": "{ __typename }"}),
        await world.client.get(f"/graphql?query={{__typename}}&{query}"),
    ):
        assert response.status_code == 400
        assert "Never send a token or a password in the address" in response.text
