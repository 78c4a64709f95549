"""What ends access, across processes: two servers and the command line on one store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from gatepass.settings import Settings
from tests.e2e.conftest import PLAIN_PASSWORD, Site, site_before
from tests.kit.processes import free_port, running, sign_in
from tests.kit.store_of_run import waited_for
from tests.kit.world import add_account

QUERY = {"query": "{ companies { totalCount } }"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, register: str) -> Iterator[Site]:
    """Yield one for all deeds: each is about an account of its own."""
    with site_before(register, tmp_path_factory.mktemp("site") / "gatepass") as site:
        yield site


@pytest.fixture
def email(site: Site, deed: str) -> str:
    """Return the address of the account that the deed is about."""
    email = f"{deed.replace(' ', '-')}@example.org"
    waited_for(add_account(Settings.load(environ=site.environ), email, PLAIN_PASSWORD, "read"))
    return email


@pytest.fixture(scope="module")
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
def test_access_ends_within_a_second_in_every_process(site: Site, second: str, email: str, deed: str) -> None:
    """
    DESIGN §6: sign-out, disable, removal, password change, by the owner and by an operator.

    Some of them are done from another sign-in of the same account, as from another device.
    """
    elsewhere = sign_in(site.address, email, PLAIN_PASSWORD)["data"]["signIn"]
    pair = sign_in(site.address, email, PLAIN_PASSWORD)["data"]["signIn"]
    bearer = {"Authorization": f"Bearer {pair['accessToken']}"}
    assert requests.post(second, json=QUERY, headers=bearer, timeout=30).status_code == 200
    _deeds(site, email, bearer, {"Authorization": f"Bearer {elsewhere['accessToken']}"})[deed]()
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


def _deeds(
    site: Site, email: str, bearer: dict[str, str], elsewhere: dict[str, str]
) -> dict[str, Callable[[], object]]:
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
        "user sign-out": lambda: site.operator("user", "sign-out", email),
        "revoke-all": lambda: site.operator("revoke-all", "--yes"),
        "disable": lambda: site.operator("user", "disable", email),
        "remove": lambda: site.operator("user", "remove", "--yes", email),
        "passwd": lambda: site.operator("user", "passwd", email, "--password-stdin", stdin="another good password"),
    }
