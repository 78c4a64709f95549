"""What ends access, across processes: two servers and the command line on one store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

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


DEEDS = (
    "sign out",
    "revoke session",
    "sign out everywhere",
    "change password",
    "disable",
    "remove",
    "passwd",
    "session revoke",
    "user sign-out",
    "revoke-all",
)


@pytest.mark.parametrize("deed", DEEDS)
def test_access_ends_within_a_second_in_every_process(site: Site, second: str, deed: str) -> None:
    """
    DESIGN §6: sign-out, disable, removal, password change, by the owner and by an operator.

    Some of them are done from another sign-in of the same account, as from another device.
    """
    elsewhere = sign_in(site.address, EMAIL, PLAIN_PASSWORD)["data"]["signIn"]
    pair = sign_in(site.address, EMAIL, PLAIN_PASSWORD)["data"]["signIn"]
    bearer = {"Authorization": f"Bearer {pair['accessToken']}"}
    assert requests.post(second, json=QUERY, headers=bearer, timeout=30).status_code == 200
    _deeds(site, bearer, {"Authorization": f"Bearer {elsewhere['accessToken']}"})[deed]()
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


def _deeds(site: Site, bearer: dict[str, str], elsewhere: dict[str, str]) -> dict[str, Callable[[], object]]:
    def asks(query: str, headers: dict[str, str]) -> Any:
        answered = requests.post(site.address, json={"query": query}, headers=headers, timeout=30).json()
        assert "errors" not in answered, answered
        return answered["data"]

    def the_session() -> str:
        sessions = asks("{ gatepass { sessions { id current } } }", bearer)["gatepass"]["sessions"]
        found: str = next(each["id"] for each in sessions if each["current"])
        return found

    change = f'changePassword(currentPassword: "{PLAIN_PASSWORD}", newPassword: "another good password")'
    return {
        "sign out": lambda: asks("mutation { signOut { sessions } }", bearer),
        "revoke session": lambda: asks(
            f'mutation {{ gatepass {{ revokeSession(id: "{the_session()}") {{ sessions }} }} }}', elsewhere
        ),
        "sign out everywhere": lambda: asks(
            "mutation { gatepass { signOutEverywhere(exceptThis: true) { sessions } } }", elsewhere
        ),
        "change password": lambda: asks(f"mutation {{ gatepass {{ {change} {{ sessions }} }} }}", elsewhere),
        "session revoke": lambda: site.operator("session", "revoke", the_session()),
        "user sign-out": lambda: site.operator("user", "sign-out", EMAIL),
        "revoke-all": lambda: site.operator("revoke-all", "--yes"),
        "disable": lambda: site.operator("user", "disable", EMAIL),
        "remove": lambda: site.operator("user", "remove", "--yes", EMAIL),
        "passwd": lambda: site.operator("user", "passwd", EMAIL, "--password-stdin", stdin="another good password"),
    }
