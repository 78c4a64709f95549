"""A person with a browser on the real endpoint: signs in, queries, reloads, watches a subscription, signs out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import EMAIL, PLAIN_PASSWORD, Site
from tests.web import conftest as pages

browser = pages.browser  # the same Chromium as for the tests of the page alone

QUERY = '{ companies(where: {company_number: {eq: "GP000042"}}) { items { company_name } } }'


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """Yield the endpoint's page; its end asserts that nothing else was asked for and no policy broken."""
    context = browser.new_context()
    context.set_default_timeout(20_000)
    complaints: list[str] = []
    foreign: list[str] = []
    context.on("console", lambda message: complaints.append(message.text))
    context.on("request", lambda sent: None if sent.url.startswith(site.address[:-9]) else foreign.append(sent.url))
    page = context.new_page()
    page.goto(f"{site.address}?plain")
    yield page
    context.close()
    assert foreign == []
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []


def _runs(page: Page, query: str) -> None:
    page.get_by_label("GraphQL document").fill(query)
    page.get_by_label("GraphQL document").press("Control+Enter")


def test_a_sign_in_lasts_over_queries_reloads_and_streams_until_the_sign_out(page: Page) -> None:
    """The whole way of the plain page on the real server, its store and the real API behind it."""
    page.get_by_label("E-mail address", exact=True).fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PLAIN_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Signed in")).to_be_visible(timeout=20_000)
    result = page.get_by_role("region", name="Result")
    _runs(page, QUERY)
    expect(result).to_contain_text("Hopscotch Puddle Pumps", timeout=20_000)
    page.reload()
    expect(page.get_by_role("heading", name="Signed in")).to_be_visible(timeout=20_000)
    _runs(page, "subscription { healthChanged(interval_seconds: 0.05, first: 2) { company_number } }")
    expect(result).to_contain_text("company_number", timeout=20_000)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password", exact=True)).to_be_visible(timeout=20_000)
    _runs(page, QUERY)
    expect(result).to_contain_text("UNAUTHENTICATED", timeout=20_000)


def test_the_first_example_of_the_merged_schema_runs_as_it_stands(page: Page) -> None:
    """It asks the API alone: the gateway takes no query that mixes `gatepass` with the API's fields."""
    page.get_by_label("E-mail address", exact=True).fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PLAIN_PASSWORD)
    page.keyboard.press("Enter")
    editor = page.get_by_label("GraphQL document")
    expect(editor).to_have_value(re.compile("query Example"), timeout=20_000)
    editor.press("Control+Enter")
    result = page.get_by_role("region", name="Result")
    expect(result).to_contain_text("company_name", timeout=20_000)
    expect(result).not_to_contain_text("errors")


def test_the_schema_is_the_sign_in_schema_before_and_the_merged_one_after(page: Page) -> None:
    """What a visitor may know, and what a signed-in user may."""
    page.get_by_role("tab", name="Schema").click()
    schema = page.get_by_role("tabpanel").filter(has_text="SignInCredentials")
    expect(schema).to_contain_text("signInRefresh", timeout=20_000)
    expect(schema).not_to_contain_text("CompanyPage")
    page.get_by_label("E-mail address", exact=True).fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PLAIN_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Signed in")).to_be_visible(timeout=20_000)
    page.get_by_role("tab", name="Schema").click()
    expect(page.get_by_role("tabpanel").filter(has_text="CompanyPage")).to_contain_text("signIn", timeout=20_000)
