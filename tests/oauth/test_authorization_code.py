"""The authorization code grant, from the browser to the tokens. RFC 6749 §4.1, RFC 7636, RFC 9207, RFC 9700 §2.1."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from gatepass.domain.client import ClientAuthentication, GrantType
from tests.kit.code_world import VERIFIER, challenge_of
from tests.kit.oauth_world import Answer, Program, program
from tests.kit.world import Person, Tokens, World
from tests.oauth.conftest import PASSWORD

CALLBACK = "https://client.example/callback"
LOOPBACK = "http://127.0.0.1/cb?a=b"
Rows = Callable[[], dict[str, Any]]


@dataclass
class Browser:
    """Somebody at the page, who follows no redirect out of our server: `gone_to` is where it would lead."""

    world: World
    gone_to: str | None = None
    response: httpx2.Response = field(default_factory=lambda: httpx2.Response(204))

    @property
    def page(self) -> str:
        return self.response.text

    @property
    def answer(self) -> dict[str, str]:
        """What the client is told, each once."""
        assert self.gone_to is not None, self.page
        found = parse_qs(urlsplit(self.gone_to).query, strict_parsing=True)
        assert all(len(values) == 1 for values in found.values())
        return {name: values[0] for name, values in found.items()}

    async def opens(self, query: str) -> None:
        self._took(await self.world.client.get(f"/oauth/authorize?{query}"))

    async def sends(self, headers: dict[str, str] | None = None, /, **fields: str) -> None:
        """Send the form that the page shows, hidden fields and all."""
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', self.page)
        values = {name: html.unescape(value) for name, value in hidden} | fields
        response = await self.world.client.post(
            "/oauth/authorize", data=values, headers={"Sec-Fetch-Site": "same-origin", **(headers or {})}
        )
        self._took(response)

    async def signs_in(self, username: str = "ana@example.org", password: str = PASSWORD) -> None:
        await self.sends(username=username, password=password, answer="allow")

    def _took(self, response: httpx2.Response) -> None:
        self.response = response
        self.gone_to = response.headers.get("location")
        assert response.headers["cache-control"] == "no-store"
        assert response.status_code in ((303,) if self.gone_to else (200, 400, 403, 429, 503))


def asks(client: Program, **differing: str | None) -> str:
    """The query string of a good request, but for what differs; None leaves a parameter out."""
    parameters: dict[str, str | None] = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": CALLBACK,
        "scope": "read",
        "state": 'x "<&>+ y',
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return urlencode([(name, value) for name, value in (parameters | differing).items() if value is not None])


async def redeems(client: Program, code: str, **differing: str) -> Answer:
    parameters = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return await client.asks_for_tokens("authorization_code", **(parameters | differing))


@pytest.fixture
def browser(world: World) -> Browser:
    """Return somebody's browser."""
    return Browser(world)


@pytest.fixture
async def web(world: World) -> Program:
    """Return a client that is not first-party, with a secret."""
    return await program(world, scopes=("read", "write"), redirect_uris=(CALLBACK, LOOPBACK))


@pytest.fixture
async def app(world: World) -> Program:
    """Return a public client that is first-party."""
    return await program(
        world, authentication=ClientAuthentication.NONE, is_first_party=True, scopes=None, name="Our app"
    )


async def signed_in(browser: Browser, client: Program, **differing: str | None) -> str:
    """A fresh code."""
    await browser.opens(asks(client, **differing))
    await browser.signs_in()
    return browser.answer["code"]


async def test_somebody_signs_in_for_a_client(browser: Browser, web: Program, ana: Person) -> None:
    """The page names the client and what it asks for; the answer has code, state and issuer, and nothing else."""
    await browser.opens(asks(web))
    assert browser.response.status_code == 200
    assert "<bdi>Reports, Inc.</bdi> asks for" in browser.page
    assert "<li>read</li>" in browser.page
    assert "<li>write</li>" not in browser.page
    await browser.signs_in()
    assert browser.gone_to is not None
    assert browser.gone_to.startswith(f"{CALLBACK}?code=gpc_")
    assert set(browser.answer) == {"code", "state", "iss"}
    assert (browser.answer["state"], browser.answer["iss"]) == ('x "<&>+ y', "http://gatepass.test")

    pair = (await redeems(web, browser.answer["code"])).tokens
    assert (pair["token_type"], pair["expires_in"], pair["scope"]) == ("Bearer", 3600, "read")
    tokens = Tokens(pair["access_token"], pair["refresh_token"])
    assert (await ana.asks_who_they_are(tokens)).data["me"]["scopes"] == ["read"]
    refreshed = (await web.refreshes(pair["refresh_token"])).tokens
    assert refreshed["scope"] == "read"


async def test_nobody_consents_to_a_first_party_client(browser: Browser, app: Program) -> None:
    """And without `scope` it gets all that the account has."""
    await browser.opens(asks(app, scope=None))
    assert "asks for" not in browser.page
    assert ">Sign in</button>" in browser.page
    await browser.signs_in()
    assert (await redeems(app, browser.answer["code"])).tokens["scope"] == "read write"


async def test_a_no_goes_to_the_client(browser: Browser, web: Program, rows: Rows) -> None:
    await browser.opens(asks(web))
    before = rows()
    await browser.sends(answer="deny")
    assert browser.answer["error"] == "access_denied"
    assert (browser.answer["state"], browser.answer["iss"]) == ('x "<&>+ y', "http://gatepass.test")
    assert rows() == before


async def test_a_wrong_password_is_asked_for_again(browser: Browser, web: Program, rows: Rows) -> None:
    """The page keeps what was asked for, and not the password."""
    await browser.opens(asks(web))
    before = rows()
    await browser.signs_in(password="not the password")
    assert (browser.response.status_code, browser.gone_to) == (400, None)
    assert "The e-mail address or the password is wrong." in browser.page
    assert 'value="ana@example.org"' in browser.page
    assert "not the password" not in browser.page
    assert rows() == before
    await browser.signs_in()
    assert browser.answer["code"].startswith("gpc_")


@pytest.mark.parametrize(
    ("differing", "words"),
    [
        ({"client_id": None}, "client_id is missing"),
        ({"client_id": "nobody"}, "not registered"),
        ({"client_id": "gatepass"}, "not registered to sign people in"),
        ({"redirect_uri": None}, "redirect_uri is missing"),
        ({"redirect_uri": "https://evil.example/callback"}, "send you back"),
        ({"redirect_uri": f"{CALLBACK}/"}, "send you back"),
        ({"redirect_uri": f"{CALLBACK}?x=y"}, "send you back"),
        ({"redirect_uri": f"{CALLBACK}#x"}, "send you back"),
        ({"redirect_uri": CALLBACK.upper()}, "send you back"),
        ({"redirect_uri": "https://client.example:443/callback"}, "send you back"),
        ({"redirect_uri": "https://client.example@evil.example/callback"}, "send you back"),
        ({"redirect_uri": "javascript:alert(1)"}, "send you back"),
        ({"redirect_uri": "http://localhost/cb?a=b"}, "send you back"),
        ({"redirect_uri": "http://127.0.0.1:99999/cb?a=b"}, "send you back"),
        ({"redirect_uri": f"{CALLBACK}\r\nx: y"}, "send you back"),
    ],
)
async def test_nobody_is_sent_where_the_client_is_not(
    browser: Browser, web: Program, differing: dict[str, str | None], words: str, rows: Rows
) -> None:
    """Neither by opening the page nor by sending its form. RFC 6749 §4.1.2.1, RFC 9700 §4.11."""
    before = rows()
    await browser.opens(asks(web, **differing))
    assert (browser.response.status_code, browser.gone_to) == (400, None)
    assert words in browser.page
    fields = {name: values[0] for name, values in parse_qs(asks(web, **differing)).items()}
    for answer in ("allow", "deny"):
        await browser.sends(**fields, username="ana@example.org", password=PASSWORD, answer=answer)
        assert (browser.response.status_code, browser.gone_to) == (400, None)
    assert rows() == before


@pytest.mark.parametrize(
    ("differing", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "read admin"}, "invalid_scope"),
        ({"scope": 'read "'}, "invalid_scope"),
        ({"request": "e30"}, "request_not_supported"),
        ({"request_uri": "https://client.example/request"}, "request_uri_not_supported"),
        ({"resource": "https://another.example/"}, "invalid_target"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_what_is_wrong_otherwise_is_told_to_the_client(
    browser: Browser, web: Program, differing: dict[str, str | None], error: str, rows: Rows
) -> None:
    """With state and issuer, and in words that RFC 6749 §4.1.2.1 allows."""
    before = rows()
    await browser.opens(asks(web, **differing))
    assert (browser.answer["error"], browser.answer["iss"]) == (error, "http://gatepass.test")
    assert browser.answer["state"] == 'x "<&>+ y'
    assert re.fullmatch(r"[ !#-\[\]-~]+", browser.answer["error_description"])
    fields = {name: values[0] for name, values in parse_qs(asks(web, **differing)).items()}
    if "prompt" not in differing:
        await browser.sends(**fields, username="ana@example.org", password=PASSWORD, answer="allow")
        assert browser.answer["error"] == error
    assert rows() == before


async def test_a_parameter_that_is_there_twice_is_refused_on_a_page(browser: Browser, web: Program) -> None:
    """Two readers of one request could see two clients."""
    for twice in ("&client_id=x", "&state=y", "&redirect_uri=https%3A%2F%2Fevil.example"):
        await browser.opens(asks(web) + twice)
        assert (browser.response.status_code, browser.gone_to) == (400, None)
        assert "more than once" in browser.page


@pytest.mark.parametrize("port", ["", ":1", ":51234", ":65535"])
async def test_on_loopback_the_port_may_be_another(browser: Browser, web: Program, port: str) -> None:
    """And it counts when the code is redeemed. RFC 8252 §7.3."""
    address = f"http://127.0.0.1{port}/cb?a=b"
    code = await signed_in(browser, web, redirect_uri=address)
    assert browser.gone_to is not None
    assert browser.gone_to.startswith(f"{address}&code=")
    assert (await redeems(web, code, redirect_uri=LOOPBACK + "x")).error == "invalid_grant"
    assert (await redeems(web, code, redirect_uri=address)).status == 200


async def test_a_code_counts_once(browser: Browser, web: Program, ana: Person) -> None:
    """Its second use ends what the first one gave. RFC 6749 §4.1.2."""
    code = await signed_in(browser, web)
    pair = (await redeems(web, code)).tokens
    assert (await redeems(web, code)).error == "invalid_grant"
    await ana.world.has_taken_in_revocations()
    assert (await ana.asks_who_they_are(Tokens(pair["access_token"], ""))).status == 401
    assert (await web.refreshes(pair["refresh_token"])).error == "invalid_grant"


async def test_a_code_lives_for_a_minute(browser: Browser, web: Program, world: World, rows: Rows) -> None:
    late, in_time = await signed_in(browser, web), await signed_in(browser, web)
    world.clock.forward(seconds=58)
    assert (await redeems(web, in_time)).status == 200
    world.clock.forward(seconds=2)
    before = rows()
    assert (await redeems(web, late)).error == "invalid_grant"
    assert rows() == before


@pytest.mark.parametrize(
    ("differing", "error"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": challenge_of(VERIFIER)}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": LOOPBACK}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"code": "gpc_" + "x" * 43}, "invalid_grant"),
        ({"code": "\U0001f511"}, "invalid_grant"),
        ({"code": "x" * 10_000}, "invalid_grant"),
        ({"code": ""}, "invalid_request"),
        ({"resource": "https://another.example"}, "invalid_target"),
        ({"scope": "admin"}, "invalid_scope"),
    ],
)
async def test_a_code_is_good_for_who_asked_for_it_alone(
    browser: Browser, web: Program, differing: dict[str, str], error: str, rows: Rows
) -> None:
    """Whatever differs, nothing is written, and the right request still gets its tokens."""
    code = await signed_in(browser, web)
    before = rows()
    assert (await redeems(web, **({"code": code} | differing))).error == error
    assert rows() == before
    assert (await redeems(web, code)).status == 200


async def test_another_client_gets_nothing_for_it(
    browser: Browser, web: Program, app: Program, world: World, rows: Rows
) -> None:
    """And spends nothing: it may have been given the code to make it ask. RFC 9700 §4.5."""
    code = await signed_in(browser, web)
    other = await program(world)
    before = rows()
    for thief in (other, app, Program(world, web.client)):
        answer = await redeems(thief, code)
        assert answer.error == ("invalid_client" if thief.client is web.client else "invalid_grant")
    assert rows() == before
    assert (await redeems(web, code)).status == 200


async def test_a_client_without_the_refresh_grant_gets_no_refresh_token(browser: Browser, world: World) -> None:
    client = await program(world, grants=frozenset({GrantType.AUTHORIZATION_CODE}), scopes=("read",))
    code = await signed_in(browser, client)
    assert set((await redeems(client, code)).tokens) == {"access_token", "token_type", "expires_in", "scope"}


@pytest.mark.parametrize("ending", ["disabled", "another password", "removed"])
async def test_what_ends_an_account_ends_its_codes(
    browser: Browser, web: Program, world: World, ending: str, rows: Rows
) -> None:
    from gatepass.domain.account import email_address
    from gatepass.domain.secret import Secret
    from gatepass.stores.opening import open_store

    code = await signed_in(browser, web)
    store = await open_store(world.settings.store_url)
    found = await store.accounts.find(email_address("ana@example.org"))
    assert found is not None
    match ending:
        case "disabled":
            await store.accounts.set_enabled(found.account.id, enabled=False, now=world.clock())
        case "another password":
            await store.accounts.set_password(found.account.id, Secret("$argon2id$another"), world.clock())
        case _:
            await store.accounts.remove(found.account.id, world.clock())
    await store.close()
    before = rows()
    assert (await redeems(web, code)).error == "invalid_grant"
    assert rows() == before


async def test_other_sites_cannot_send_the_form(browser: Browser, web: Program, rows: Rows) -> None:
    await browser.opens(asks(web))
    page, before = browser.response, rows()
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        browser.response = page
        await browser.sends(foreign, username="ana@example.org", password=PASSWORD, answer="allow")
        assert browser.response.status_code == 403
    assert rows() == before


async def test_what_comes_in_is_text_on_the_page(browser: Browser, world: World) -> None:
    """Whoever registered the client, and whoever made the link."""
    client = await program(world, name="</bdi><script>alert(1)</script>", scopes=("<b>", "read"))
    await browser.opens(asks(client, scope="<b>", state='"><img src=x>', login_hint="'\"><i>"))
    assert browser.response.status_code == 200
    for hostile in ("<script", "<img src=x", "<i>", "<b>"):
        assert hostile not in browser.page
    policy = browser.response.headers["content-security-policy"]
    assert "form-action 'self' https://client.example;" in policy
    assert "script-src" not in policy
    assert policy.startswith("default-src 'none'")


async def test_an_app_is_answered_at_its_own_scheme(browser: Browser, world: World) -> None:
    """RFC 8252 §7.1."""
    client = await program(world, redirect_uris=("com.example.app:/cb",), scopes=("read",))
    await browser.opens(asks(client, redirect_uri="com.example.app:/cb"))
    assert "form-action 'self' com.example.app:;" in browser.response.headers["content-security-policy"]
    await browser.signs_in()
    assert browser.gone_to is not None
    assert browser.gone_to.startswith("com.example.app:/cb?code=")
