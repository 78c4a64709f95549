"""A person at either page whose network goes away and comes back, on the real endpoint."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.e2e.conftest import PLAIN_PASSWORD, Site
from tests.e2e.test_throttled_sign_in import both_pages, opened, problem, signs_in, visit
from tests.web import conftest as pages

browser = pages.browser  # the same Chromium as for the tests of the page alone

OFFLINE = "The server cannot be reached: this browser is offline."


@both_pages
def test_who_is_offline_is_told_so_and_goes_on_by_itself(browser: Browser, site: Site, query: str) -> None:
    """No refusal of the password before, and no end of the sign-in after."""
    with visit(browser) as context:
        page = opened(context, f"{site.address}{query}")
        context.set_offline(True)
        signs_in(page, PLAIN_PASSWORD)
        expect(problem(page)).to_contain_text(OFFLINE)
        context.set_offline(False)
        signs_in(page, PLAIN_PASSWORD)
        expect(page.get_by_role("heading", name="Signed in")).to_be_visible()
        context.set_offline(True)
        page.get_by_role("button", name="Renew now").click()
        trouble = page.get_by_role("alert").filter(has_text=f"Not renewed: {OFFLINE}")
        expect(trouble).to_be_visible()
        context.set_offline(False)
        expect(trouble).to_have_count(0)
        expect(page.get_by_role("heading", name="Signed in")).to_be_visible()
