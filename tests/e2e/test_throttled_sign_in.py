"""A person at either page while somebody guesses at the account: what the real server counts, and the page says."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.conftest import EMAIL, PLAIN_PASSWORD, Site, site_before
from tests.web import conftest as pages
from tests.web.graphiql import graphiql_page

browser = pages.browser  # the same Chromium as for the tests of the page alone

GUESSING = {"GATEPASS_THROTTLE_ACCOUNT_FAILURES": "2", "GATEPASS_THROTTLE_FIRST_DELAY_SECONDS": "600"}
both_pages = pytest.mark.parametrize("query", ["", "?plain"], ids=["GraphiQL", "plain page"])


@pytest.fixture
def site(tmp_path: Path, register: str) -> Iterator[Site]:
    """Yield a site where two wrong passwords are free, and then comes a long wait."""
    with site_before(register, tmp_path / "gatepass", **GUESSING) as site:
        yield site


@both_pages
def test_who_is_throttled_reads_how_long_to_wait(browser: Browser, site: Site, query: str) -> None:
    """The right password too, so that waiting tells nothing; and the form stays as it was, to try again."""
    with visit(browser) as context:
        page = opened(context, f"{site.address}{query}")
        for _ in range(2):
            signs_in(page, "wrong")
            expect(problem(page)).to_contain_text("INVALID_CREDENTIALS")
        signs_in(page, PLAIN_PASSWORD)
        expect(problem(page)).to_have_text(re.compile(r"Try again in 10 minutes\. RATE_LIMITED$"))
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_enabled()
        expect(page.get_by_label("E-mail address", exact=True)).to_have_value(EMAIL)
        expect(page.get_by_label("Password", exact=True)).to_be_focused()


@both_pages
def test_a_browser_that_signed_in_before_gets_in_while_others_on_its_network_guess(
    browser: Browser, site: Site, query: str
) -> None:
    """By its device hint, until the sign-out: the one before is then as good as the guesser beside."""
    with visit(browser) as context:
        first = opened(context, f"{site.address}{query}")
        signs_in(first, PLAIN_PASSWORD)
        expect(first.get_by_role("heading", name="Signed in")).to_be_visible()
        first.close()
        assert [guess(site.address) for _ in range(3)] == ["INVALID_CREDENTIALS", "INVALID_CREDENTIALS", "RATE_LIMITED"]
        second = opened(context, f"{site.address}{query}")
        signs_in(second, PLAIN_PASSWORD)
        expect(second.get_by_role("heading", name="Signed in")).to_be_visible()
        second.get_by_role("button", name="Sign out").click()
        signs_in(second, PLAIN_PASSWORD)
        expect(problem(second)).to_contain_text("RATE_LIMITED")


@contextmanager
def visit(browser: Browser) -> Iterator[BrowserContext]:
    """A profile of a browser."""
    graphiql_page()
    with browser.new_context() as context:
        context.set_default_timeout(20_000)
        yield context


def opened(context: BrowserContext, address: str) -> Page:
    """A new tab, which has no sign-in."""
    page = context.new_page()
    page.goto(address)
    return page


def signs_in(page: Page, password: str) -> None:
    page.get_by_label("E-mail address", exact=True).fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")


def problem(page: Page) -> Locator:
    return page.locator("#sign-in-problem")


def guess(address: str) -> str:
    """The code of the refusal that a stranger gets."""
    credentials = {"userName": EMAIL, "password": "a guess"}
    query = "mutation($c: SignInCredentials!) { signIn(useManagementflow: true, credentials: $c) { accessToken } }"
    body = json.dumps({"query": query, "variables": {"c": credentials}}).encode()
    asked = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return str(json.load(answer)["errors"][0]["extensions"]["code"])
