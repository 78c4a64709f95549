"""What this server says of itself. RFC 8414, RFC 9728."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.kit.me_app import MeApp
from tests.kit.oauth_world import FORM
from tests.kit.world import World, running, settings_for

SERVER = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"


@pytest.fixture
async def below_a_path(tmp_path: Path) -> AsyncIterator[World]:
    """Yield a service whose issuer and API have a path."""
    settings = settings_for(tmp_path / "below", public_url="https://api.example.org/v1/auth")
    settings.data_dir.mkdir()
    async with running(settings, MeApp()) as started:
        yield started


async def fetched(world: World, path: str) -> dict[str, Any]:
    response = await world.client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "public, max-age=300"
    body: dict[str, Any] = response.json()
    return body


async def test_the_server_says_what_it_can_do(world: World) -> None:
    """RFC 8414 §2; the issuer is what tokens say, in the very same spelling (§3.3)."""
    said = await fetched(world, SERVER)
    assert said["issuer"] == world.settings.issuer == "http://gatepass.test"
    assert said["response_types_supported"] == ["code"]
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert "password" not in said["grant_types_supported"]
    assert "none" not in said["introspection_endpoint_auth_methods_supported"]
    assert said["authorization_response_iss_parameter_supported"] is True
    assert said["protected_resources"] == [world.settings.audience]


async def test_every_endpoint_that_it_names_is_there(world: World) -> None:
    said = await fetched(world, SERVER)
    endpoints = [urlsplit(value).path for name, value in said.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(endpoints) == 6
    for path in endpoints:
        assert (await world.client.post(path, content=b"", headers=FORM)).status_code in (400, 401, 405)


async def test_the_api_says_who_gives_its_tokens(world: World) -> None:
    """RFC 9728 §2; the resource is the API's own address (§3.3)."""
    said = await fetched(world, RESOURCE)
    assert said["resource"] == "http://gatepass.test/graphql"
    assert said["authorization_servers"] == ["http://gatepass.test"]
    assert said["bearer_methods_supported"] == ["header"]
    assert await fetched(world, f"{RESOURCE}/graphql") == said


async def test_with_a_path_they_are_where_the_specifications_put_them(below_a_path: World) -> None:
    """The well-known part stands between host and path. RFC 8414 §3.1, RFC 9728 §3.1."""
    said = await fetched(below_a_path, f"{SERVER}/v1/auth")
    assert said["issuer"] == "https://api.example.org/v1/auth"
    assert said["token_endpoint"] == "https://api.example.org/v1/auth/oauth/token"
    assert await fetched(below_a_path, SERVER) == said
    resource = await fetched(below_a_path, f"{RESOURCE}/v1/auth/graphql")
    assert resource["resource"] == "https://api.example.org/v1/auth/graphql"


@pytest.mark.parametrize("path", [SERVER, RESOURCE])
async def test_it_is_for_get_alone_and_no_other_origin_reads_it_unasked(world: World, path: str) -> None:
    """Which origins may is a setting, for these documents as for everything else."""
    assert (await world.client.head(path)).status_code == 200
    assert (await world.client.post(path)).status_code == 405
    assert (
        "access-control-allow-origin"
        not in (await world.client.get(path, headers={"Origin": "https://a.example"})).headers
    )
