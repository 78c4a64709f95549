"""Device sign-in, from the device's request to its first query. RFC 8628."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatepass.domain.client import BUILT_IN, ClientAuthentication, GrantType
from tests.kit.me_app import MeApp
from tests.kit.oauth_world import FORM, Program, program
from tests.kit.world import Person, Tokens, World, running, settings_for
from tests.oauth.conftest import PASSWORD

START = "/oauth/device_authorization"
PAGE = "/oauth/device"
Rows = Callable[[], dict[str, Any]]


@pytest.fixture
def cli(world: World) -> Program:
    """Return the command line: the client that is always there."""
    return Program(world, BUILT_IN)


class Browser:
    """Somebody at the page, with what the last page said."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.status = 0
        self.page = ""

    async def opens(self, address: str = PAGE) -> None:
        response = await self.world.client.get(address)
        self.status, self.page = response.status_code, response.text

    async def sends(self, **fields: str) -> None:
        response = await self.world.client.post(PAGE, data=fields, headers={"Sec-Fetch-Site": "same-origin"})
        self.status, self.page = response.status_code, response.text

    async def allows(self, user_code: str, password: str = PASSWORD, username: str = "ana@example.org") -> None:
        await self.sends(user_code=user_code, username=username, password=password, answer="allow")

    @property
    def heading(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.page)
        assert found is not None
        return found[1]


@pytest.fixture
def browser(world: World) -> Browser:
    """Return somebody's browser."""
    return Browser(world)


async def test_a_device_is_let_in(world: World, cli: Program, browser: Browser, ana: Person) -> None:
    """All of it: codes, page, consent, tokens, a query, and a refresh by the protocol's own mutation."""
    codes = (await cli.asks(START)).tokens
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", codes["user_code"])
    assert codes["verification_uri"] == "http://gatepass.test/oauth/device"
    assert codes["verification_uri_complete"] == f"http://gatepass.test/oauth/device?user_code={codes['user_code']}"
    assert (codes["expires_in"], codes["interval"]) == (600, 5)
    assert (await cli.polls(codes["device_code"])).error == "authorization_pending"

    await browser.opens(codes["verification_uri_complete"])
    assert f'value="{codes["user_code"]}"' in browser.page
    await browser.sends(user_code=codes["user_code"].lower().replace("-", " "), answer="continue")
    assert browser.heading == "Let this device in?"
    assert "everything that your account may do" in browser.page
    await browser.allows(codes["user_code"])
    assert (browser.status, browser.heading) == (200, "Your device is connected")

    pair = (await cli.polls(codes["device_code"])).tokens
    assert (pair["token_type"], pair["expires_in"], pair["scope"]) == ("Bearer", 3600, "read write")
    tokens = Tokens(pair["access_token"], pair["refresh_token"])
    assert (await ana.asks_who_they_are(tokens)).data["me"]["scopes"] == ["read", "write"]
    assert (await ana.asks_who_they_are(await ana.refreshes(tokens))).status == 200


async def test_a_device_that_asks_too_often_is_slowed_down(world: World, cli: Program, rows: Rows) -> None:
    """RFC 8628 §3.5."""
    codes = (await cli.asks(START)).tokens
    assert (await cli.polls(codes["device_code"])).error == "authorization_pending"
    early = await cli.polls(codes["device_code"])
    assert (early.status, early.error) == (400, "slow_down")
    world.clock.forward(seconds=10)
    assert (await cli.polls(codes["device_code"])).error == "authorization_pending"


async def test_a_no_reaches_the_device(cli: Program, browser: Browser, rows: Rows) -> None:
    codes = (await cli.asks(START)).tokens
    await browser.sends(user_code=codes["user_code"], answer="deny")
    assert browser.heading == "The device was refused"
    before = rows()
    assert (await cli.polls(codes["device_code"])).error == "access_denied"
    await browser.allows(codes["user_code"])
    assert browser.status == 400
    assert rows() == before


async def test_time_runs_out(world: World, cli: Program, browser: Browser, rows: Rows) -> None:
    codes = (await cli.asks(START)).tokens
    world.clock.forward(seconds=600)
    before = rows()
    assert (await cli.polls(codes["device_code"])).error == "expired_token"
    await browser.sends(user_code=codes["user_code"], answer="continue")
    assert (browser.status, browser.heading) == (400, "Connect a device")
    assert rows() == before


async def test_a_device_code_counts_once(world: World, cli: Program, browser: Browser, ana: Person) -> None:
    """Its second use ends what the first one gave."""
    codes = (await cli.asks(START)).tokens
    await browser.allows(codes["user_code"])
    pair = (await cli.polls(codes["device_code"])).tokens
    assert (await cli.polls(codes["device_code"])).error == "invalid_grant"
    await world.has_taken_in_revocations()
    assert (await ana.asks_who_they_are(Tokens(pair["access_token"], ""))).status == 401
    assert (await cli.refreshes(pair["refresh_token"])).error == "invalid_grant"


async def test_a_wrong_password_lets_nobody_in(cli: Program, browser: Browser, rows: Rows) -> None:
    """The page comes again, with the address that was typed and without the password."""
    codes = (await cli.asks(START)).tokens
    before = rows()
    await browser.allows(codes["user_code"], password="wrong, quite wrong")
    assert (browser.status, browser.heading) == (400, "Let this device in?")
    assert "The e-mail address or the password is wrong." in browser.page
    assert 'value="ana@example.org"' in browser.page
    assert "quite wrong" not in browser.page
    assert rows() == before
    await browser.allows(codes["user_code"])
    assert browser.heading == "Your device is connected"


@pytest.mark.parametrize("typed", ["BCDF-GHJK", "bcdfghjk"])
async def test_a_code_that_nobody_shows_is_refused(browser: Browser, rows: Rows, typed: str) -> None:
    before = rows()
    for fields in ({"answer": "continue"}, {"answer": "deny"}, {"answer": "allow", "username": "a", "password": "b"}):
        await browser.sends(user_code=typed, **fields)
        if fields["answer"] != "allow":
            assert "There is no such code" in browser.page
        assert browser.status == 400
    assert rows() == before


@pytest.mark.parametrize("typed", ["", "AAAA-AAAA", "1234", "<script>", "B" * 500])
async def test_what_is_no_code_is_asked_for_again(browser: Browser, typed: str) -> None:
    await browser.sends(user_code=typed, answer="continue")
    assert (browser.status, browser.heading) == (400, "Connect a device")
    assert 'aria-invalid="true"' in browser.page
    assert "<script>" not in browser.page


async def test_guessing_is_limited(browser: Browser, cli: Program) -> None:
    """Ten wrong codes within ten minutes from one address; then not even the right one is taken."""
    codes = (await cli.asks(START)).tokens
    for _ in range(10):
        await browser.sends(user_code="BCDF-GHJK", answer="continue")
        assert browser.status == 400
    await browser.sends(user_code=codes["user_code"], answer="continue")
    assert browser.status == 429
    assert "Too many attempts" in browser.page


async def test_how_often_codes_may_be_guessed_is_a_setting(tmp_path: Path) -> None:
    """As every other number of a throttle. docs/how-to/guessing.md."""
    settings = settings_for(tmp_path, throttle_code_failures=2, throttle_code_seconds=30, throttle_device_starts=1)
    async with running(settings, MeApp()) as world:
        cli, browser = Program(world, BUILT_IN), Browser(world)
        codes = (await cli.asks(START)).tokens
        assert (await cli.asks(START)).status == 429
        for status in (400, 400, 429):
            await browser.sends(user_code="BCDF-GHJK", answer="continue")
            assert browser.status == status
        world.clock.forward(seconds=30)
        await browser.sends(user_code=codes["user_code"], answer="continue")
        assert browser.status == 200


async def test_scopes_narrow_to_what_both_have(world: World, browser: Browser) -> None:
    """What was asked for, within what the client may have and what the account has."""
    tv = await program(
        world,
        authentication=ClientAuthentication.NONE,
        grants=frozenset({GrantType.DEVICE_CODE}),
        redirect_uris=(),
        scopes=("read", "admin"),
        name="The <TV>",
    )
    codes = (await tv.asks(START, scope="read admin")).tokens
    await browser.sends(user_code=codes["user_code"], answer="continue")
    assert "The &lt;TV&gt;" in browser.page
    assert "<li>admin</li>" in browser.page
    await browser.allows(codes["user_code"])
    pair = (await tv.polls(codes["device_code"])).tokens
    assert pair["scope"] == "read"
    assert "refresh_token" not in pair


async def test_a_client_asks_for_no_more_than_it_may_have(world: World, rows: Rows) -> None:
    tv = await program(world, grants=frozenset({GrantType.DEVICE_CODE}), redirect_uris=(), scopes=("read",))
    before = rows()
    assert (await tv.asks(START, scope="read admin")).error == "invalid_scope"
    assert rows() == before


async def test_a_client_without_the_grant_gets_no_codes(world: World, rows: Rows) -> None:
    web = await program(world)
    before = rows()
    assert (await web.asks(START)).error == "unauthorized_client"
    assert rows() == before


async def test_another_client_gets_nothing_for_a_device_code(
    world: World, cli: Program, browser: Browser, rows: Rows
) -> None:
    tv = await program(world, grants=frozenset({GrantType.DEVICE_CODE}), redirect_uris=())
    codes = (await cli.asks(START)).tokens
    await browser.allows(codes["user_code"])
    before = rows()
    assert (await tv.polls(codes["device_code"])).error == "invalid_grant"
    assert rows() == before
    assert (await cli.polls(codes["device_code"])).status == 200


async def test_other_sites_cannot_send_the_form(world: World, cli: Program, rows: Rows) -> None:
    """Somebody else's page could have its own device let in. RFC 9700 §4.7."""
    codes = (await cli.asks(START)).tokens
    before = rows()
    fields = {
        "user_code": codes["user_code"],
        "username": "ana@example.org",
        "password": PASSWORD,
        "answer": "allow",
    }
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        response = await world.client.post(PAGE, data=fields, headers={**FORM, **foreign})
        assert response.status_code == 403
    assert rows() == before


async def test_pages_are_kept_by_nobody_and_run_no_script(world: World) -> None:
    response = await world.client.get(PAGE)
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-frame-options"] == "DENY"
    assert "<script" not in response.text
