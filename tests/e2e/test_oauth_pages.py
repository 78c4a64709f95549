"""The pages of OAuth 2 in a real browser: without script, by keyboard alone, under their policy, on small screens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import EMAIL, PLAIN_PASSWORD, Site
from tests.kit.code_world import VERIFIER, challenge_of
from tests.web import conftest as pages
from tests.web.axe import violations

browser = pages.browser  # the same Chromium as for the tests of the page alone

SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
SIZES = {"phone": (320, 568), "laptop": (1280, 800), "wide": (1920, 1080)}


@pytest.fixture(params=SIZES)
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Yield a page of some size; its end asserts that no policy was broken."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=False)
    context.set_default_timeout(20_000)
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text))
    yield context.new_page()
    context.close()
    assert [text for text in complaints if "Failed to load resource" not in text] == []


def fits(page: Page) -> bool:
    """Whether nothing is wider than the screen."""
    fitting: bool = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return fitting


def base_of(site: Site) -> str:
    return site.address.removesuffix("/graphql/")


def address_to_sign_in_at(site: Site, callback: str, *kind: str) -> str:
    """Where a new client named Reports sends a browser; `kind` are further arguments of `client add`."""
    scopes = ("--scope", "companies:read", "--scope", "read")
    added = site.operator(
        "client", "add", "Reports", "--redirect-uri", "http://127.0.0.1/callback", *scopes, *kind, "--json"
    )
    asked = {
        "response_type": "code",
        "client_id": json.loads(added.stdout)["client_id"],
        "redirect_uri": callback,
        "state": "xyz",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return f"{base_of(site)}/oauth/authorize?{urlencode(asked)}"


def test_somebody_signs_in_for_a_client(page: Page, site: Site, register: str) -> None:
    """The focus is where one types; Tab leads on, Enter sends, and a wrong password is said. Then one is elsewhere."""
    callback = register.replace("/graphql", "/callback")
    page.goto(address_to_sign_in_at(site, callback))
    assert fits(page)
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    expect(page.get_by_label("E-mail address")).to_have_value(EMAIL)
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("Password")).to_have_attribute("aria-describedby", "problem")
    assert fits(page)
    page.keyboard.type(PLAIN_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{callback}?**")
    answer = parse_qs(urlsplit(page.url).query)
    assert set(answer) == {"code", "state", "iss"}


def test_somebody_lets_a_device_in(page: Page, site: Site) -> None:
    """From the link with the code in it, by keyboard."""
    codes = httpx2.post(f"{base_of(site)}/oauth/device_authorization", data={"client_id": "gatepass"}).json()
    page.goto(codes["verification_uri_complete"])
    expect(page.get_by_label("Code that your device shows")).to_have_value(codes["user_code"])
    assert fits(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Let this device in?")).to_be_visible()
    expect(page.get_by_text("everything that your account may do")).to_be_visible()
    assert fits(page)
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(PLAIN_PASSWORD)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign in and allow")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your device is connected")).to_be_visible()


def test_axe_finds_nothing_on_any_page_in_light_and_dark(browser: Browser, site: Site) -> None:
    """Sign-in, consent, a refusal, a page for nobody; a device's code, its request, and the end."""
    found: dict[str, list[str]] = {}

    with browser.new_context() as context:
        page = context.new_page()

        def look(state: str) -> None:
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                found[f"{state}, {scheme}"] = violations(page)

        page.goto(address_to_sign_in_at(site, "http://127.0.0.1:9/callback", "--first-party"))
        look("sign-in")
        page.goto(address_to_sign_in_at(site, "http://127.0.0.1:9/callback"))
        look("consent")
        page.get_by_label("E-mail address").fill(EMAIL)
        page.get_by_label("Password").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        look("refused")
        page.goto(f"{base_of(site)}/oauth/authorize?client_id=nobody")
        look("no such client")
        codes = httpx2.post(f"{base_of(site)}/oauth/device_authorization", data={"client_id": "gatepass"}).json()
        page.goto(codes["verification_uri"])
        look("device")
        page.get_by_label("Code that your device shows").fill("BBBB-BBBB")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        look("wrong code")
        page.get_by_label("Code that your device shows").fill(codes["user_code"])
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Let this device in?")).to_be_visible()
        look("device's request")
        page.get_by_label("E-mail address").fill(EMAIL)
        page.get_by_label("Password").fill(PLAIN_PASSWORD)
        page.get_by_role("button", name="Sign in and allow").click()
        expect(page.get_by_role("heading", name="Your device is connected")).to_be_visible()
        look("connected")
    assert len(found) == 8 * len(SCHEMES)
    assert "\n".join(f"{state}: {each}" for state, all_ in found.items() for each in all_) == ""
