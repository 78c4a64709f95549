"""What ends access, across processes: two servers and the command line on one store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import requests

from tests.e2e.conftest import EMAIL, PLAIN_PASSWORD, Site
from tests.kit.processes import free_port, running, sign_in

QUERY = {"query": "{ companies { totalCount } }"}


@pytest.fixture
def second(site: Site, register: str) -> Iterator[str]:
    """Yield the address of a second server on the same store, for the same audience."""
    port = free_port()
    public = {"GATEPASS_PUBLIC_URL": site.address.removesuffix("/graphql/")}
    arguments = ("serve", "--upstream", register, "--port", str(port))
    with running(*arguments, environ={**site.environ, **public}) as server:
        server.says('"listening"', on="err")
        yield f"http://127.0.0.1:{port}/graphql/"


@pytest.mark.parametrize("deed", ["sign out", "disable", "remove", "passwd"])
def test_access_ends_within_a_second_in_every_process(site: Site, second: str, deed: str) -> None:
    """DESIGN §6: sign-out, disable, removal, password change."""
    pair = sign_in(site.address, EMAIL, PLAIN_PASSWORD)["data"]["signIn"]
    bearer = {"Authorization": f"Bearer {pair['accessToken']}"}
    assert requests.post(second, json=QUERY, headers=bearer, timeout=30).status_code == 200
    _deeds(site, bearer)[deed]()
    deadline = time.monotonic() + 1.0
    while requests.post(second, json=QUERY, headers=bearer, timeout=30).status_code != 401:
        assert time.monotonic() < deadline, "access did not end within a second"
        time.sleep(0.02)
    refresh = (
        f'mutation {{ signInRefresh(useManagementflow: true, credentials: {{refreshToken: "{pair["refreshToken"]}"}})'
        " { accessToken } }"
    )
    answered = requests.post(second, json={"query": refresh}, timeout=30).json()
    assert answered["errors"][0]["extensions"]["code"] == "INVALID_REFRESH_TOKEN"


def _deeds(site: Site, bearer: dict[str, str]) -> dict[str, Callable[[], object]]:
    out = {"query": "mutation { signOut { sessions } }"}
    return {
        "sign out": lambda: requests.post(site.address, json=out, headers=bearer, timeout=30),
        "disable": lambda: site.operator("user", "disable", EMAIL),
        "remove": lambda: site.operator("user", "remove", "--yes", EMAIL),
        "passwd": lambda: site.operator("user", "passwd", EMAIL, "--password-stdin", stdin="another good password"),
    }
