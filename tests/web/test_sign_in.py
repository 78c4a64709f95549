"""Signing in and out with the page, in a real browser."""

import re
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.web.axe import violations
from tests.web.conftest import Ana
from tests.web.fake_endpoint import EMAIL, PASSWORD, Endpoint, Refusal


def test_ana_signs_in_and_sees_who_she_is_what_she_may_and_for_how_long(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    expect(ana.page.locator("#account")).to_have_text(EMAIL)
    expect(ana.page.get_by_role("listitem")).to_have_text(["api", "companies:read"])
    expect(ana.page.get_by_role("timer")).to_have_text(re.compile(r"^(1:00:00|59:\d\d)$"))
    expect(ana.editor).to_be_focused()


def test_a_wrong_password_says_why_and_lets_her_try_again(ana: Ana) -> None:
    ana.signs_in("wrong")
    problem = ana.page.get_by_role("alert").filter(has_text="INVALID_CREDENTIALS")
    expect(problem).to_contain_text("E-mail address or password is wrong. <img src=x")
    expect(ana.page.get_by_label("Password", exact=True)).to_be_focused()
    ana.signs_in()
    ana.is_signed_in()


def test_a_throttled_sign_in_says_when_to_come_back(ana: Ana) -> None:
    ana.service.sign_ins_fail_with = Refusal("RATE_LIMITED", "Too many attempts.", retry_after=30)
    ana.signs_in()
    expect(ana.page.get_by_role("alert").filter(has_text="RATE_LIMITED")).to_contain_text("Try again in 30 s.")
    ana.service.sign_ins_fail_with = Refusal("RATE_LIMITED", "Too many attempts.", retry_after=899)
    ana.signs_in()
    expect(ana.page.get_by_role("alert").filter(has_text="RATE_LIMITED")).to_contain_text("Try again in 15 minutes.")


def test_an_unreachable_server_is_told_apart_from_a_refusal(ana: Ana, context: BrowserContext) -> None:
    context.set_offline(True)
    ana.signs_in()
    expect(
        ana.page.get_by_role("alert").filter(has_text="The server cannot be reached: this browser is offline.")
    ).to_be_visible()


def test_a_reload_keeps_the_sign_in(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    ana.page.reload()
    ana.is_signed_in()
    expect(ana.page.locator("#account")).to_have_text(EMAIL)
    assert ana.service.count("signInRefresh") == 1


def test_the_tab_stores_the_refresh_token_and_the_browser_the_device_hint_and_nothing_else(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    ana.runs("{ hello }")
    ana.reads("Hello, you!")
    stored = ana.stored()
    assert stored == {
        "session": {"gatepass refresh token /api/graphql": "gpr_refresh1"},
        "local": {"gatepass device hint /api/graphql": ana.service.hint},
    }
    assert ana.page.context.cookies() == []
    assert ana.page.evaluate("indexedDB.databases()") == []
    assert ana.page.url == ana.page.evaluate("location.origin + location.pathname")
    assert ana.page.evaluate("history.length") <= 2


def test_the_device_hint_goes_with_the_next_sign_in_and_ends_with_the_sign_out(ana: Ana) -> None:
    """A closed tab has lost its sign-in, and the browser is still known. Who signs out leaves nothing behind."""
    ana.signs_in()
    ana.is_signed_in()
    again = Ana(ana.page.context.new_page(), ana.service)
    again.opens(ana.page.url)
    again.signs_in()
    again.is_signed_in()
    again.presses("Sign out")
    again.is_signed_out()
    again.signs_in()
    again.is_signed_in()
    assert ana.service.hints == [None, ana.service.hint, None]


@pytest.mark.parametrize("said", ["gpr_refresh1", "gph_" + 55 * "h", "gph_" + 57 * "h", 'gph_"' + 55 * "h", "", "null"])
def test_what_has_not_the_form_of_a_hint_is_not_kept_as_one(ana: Ana, said: str) -> None:
    ana.service.hint = said
    ana.signs_in()
    ana.is_signed_in()
    assert ana.stored()["local"] == {}


def test_a_sign_in_that_ends_by_itself_leaves_the_hint(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    ana.service.live_refresh_tokens.clear()
    ana.presses("Renew now")
    ana.is_signed_out()
    assert ana.service.hint in ana.stored()["local"].values()


def test_the_password_leaves_the_form_once_it_has_served(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    assert PASSWORD not in ana.page.evaluate(
        "Array.from(document.querySelectorAll('input, textarea'), e => e.value).join()"
    )


def test_a_shown_password_is_hidden_again_before_it_is_sent(ana: Ana) -> None:
    """The browser may keep what is submitted as plain text among its form entries."""
    ana.presses("Show the password")
    field = ana.page.get_by_label("Password", exact=True)
    expect(field).to_have_attribute("type", "text")
    ana.signs_in("wrong")
    expect(ana.page.get_by_role("alert").filter(has_text="INVALID_CREDENTIALS")).to_be_visible()
    expect(field).to_have_attribute("type", "password")


def test_password_managers_find_the_fields(ana: Ana) -> None:
    expect(ana.page.get_by_label("E-mail address", exact=True)).to_have_attribute("autocomplete", "username")
    expect(ana.page.get_by_label("Password", exact=True)).to_have_attribute("autocomplete", "current-password")


def test_signing_out_ends_the_session_at_the_server_and_here(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    ana.runs("{ hello }")
    ana.reads("Hello, you!")
    ana.presses("Sign out")
    ana.is_signed_out()
    expect(ana.page.locator("#word")).to_have_text("Signed out.")
    expect(ana.result).to_have_text("Nothing was run yet.")
    assert ana.stored() == {"session": {}, "local": {}}
    assert ana.service.live_refresh_tokens == set()
    ana.page.reload()
    ana.is_signed_out()


def test_signing_out_with_a_spent_access_token_still_reaches_the_server(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    ana.service.forget_access_tokens()
    ana.presses("Sign out")
    expect(ana.page.locator("#word")).to_have_text("Signed out.")
    assert ana.service.live_refresh_tokens == set()


def test_signing_out_clears_everything_here_when_the_server_does_not_answer(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    ana.service.hangs_up_on_sign_out = True
    ana.presses("Sign out")
    ana.is_signed_out()
    expect(ana.page.get_by_role("alert").filter(has_text="Signed out here. The server was not told")).to_be_visible()
    assert ana.stored() == {"session": {}, "local": {}}


def test_a_refused_refresh_token_leads_back_to_the_form_and_says_why(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    ana.service.live_refresh_tokens.clear()
    ana.presses("Renew now")
    ana.is_signed_out()
    expect(ana.page.get_by_role("alert").filter(has_text="Your sign-in has ended")).to_contain_text("used before")
    assert ana.stored()["session"] == {}


def test_a_server_in_trouble_ends_no_session(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    ana.service.renewals_fail_with = Refusal("OVERLOADED", "Too much to do.", 503)
    ana.presses("Renew now")
    expect(ana.page.get_by_role("alert").filter(has_text="Not renewed: Too much to do.")).to_be_visible()
    ana.page.reload()
    expect(ana.page.get_by_role("heading", name="One moment")).to_be_visible()
    ana.service.renewals_fail_with = None
    ana.presses("Renew now")
    ana.is_signed_in()


def test_the_mutation_of_the_specification_in_the_editor_offers_its_token(ana: Ana) -> None:
    expect(ana.editor).to_have_value(re.compile(r'signIn\(useManagementflow: true, credentials: \{\s+userName: "xxxx"'))
    ana.runs(ana.editor.input_value().replace("xxxx", EMAIL).replace("yyyy", PASSWORD))
    ana.presses("Use this token")
    ana.is_signed_in()
    expect(ana.editor).to_have_value(re.compile("query Example"))
    expect(ana.result).not_to_contain_text("accessToken")
    assert ana.stored()["session"] == {"gatepass refresh token /api/graphql": "gpr_refresh1"}


def test_a_query_of_ones_own_survives_the_sign_in(ana: Ana) -> None:
    ana.editor.fill("{ hello } # mine")
    ana.signs_in()
    ana.is_signed_in()
    expect(ana.editor).to_have_value("{ hello } # mine")


def test_nothing_that_was_typed_survives_the_sign_out(ana: Ana) -> None:
    """Where the password was typed into the form and another way was taken, too; whatever a variable is called."""
    ana.page.get_by_label("E-mail address", exact=True).fill(EMAIL)
    ana.page.get_by_label("Password", exact=True).fill(PASSWORD)
    ana.presses("Show the password")
    credentials = f'{{userName: "{EMAIL}", password: "{PASSWORD}"}}'
    ana.runs(
        f"mutation {{ signIn(useManagementflow: true, credentials: {credentials}) {{ accessToken refreshToken }} }}"
    )
    ana.presses("Use this token")
    ana.is_signed_in()
    ana.editor.fill("query Mine($p: String) { hello(name: $p) }")
    ana.page.get_by_text("Variables", exact=False).first.click()
    ana.page.locator("#variables").fill(f'{{"p": "{PASSWORD}"}}')
    ana.presses("Sign out")
    expect(ana.editor).to_have_value(re.compile("yyyy"))
    typed = ana.page.evaluate("[...document.querySelectorAll('input, textarea:not(#query)')].map(each => each.value)")
    assert set(typed) == {""}
    expect(ana.page.get_by_label("Password", exact=True)).to_have_attribute("type", "password")


def test_a_renewal_that_somebody_asked_for_offline_is_tried_again_as_it_says(ana: Ana, context: BrowserContext) -> None:
    """Though the token is fresh; and it is not said any more once it went well."""
    ana.signs_in()
    ana.is_signed_in()
    context.set_offline(True)
    ana.presses("Renew now")
    trouble = ana.page.get_by_role("alert").filter(
        has_text="Not renewed: The server cannot be reached: this browser is offline."
    )
    expect(trouble).to_contain_text("Trying again by itself.")
    context.set_offline(False)
    expect(trouble).to_have_count(0)
    assert ana.service.count("signInRefresh") == 1


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/deep/prefix/graphql", "//other.example/graphql/"])
def test_the_page_works_wherever_the_endpoint_is(context: BrowserContext, endpoint: Endpoint, path: str) -> None:
    """The last one would name another host if it were used as a relative reference."""
    ana = Ana(context.new_page(), endpoint.service)
    ana.opens(endpoint.url.replace("/api/graphql/", path))
    ana.signs_in()
    ana.is_signed_in()
    ana.page.reload()
    ana.is_signed_in()


@pytest.mark.parametrize("script", ["off", "blocked"])
def test_without_its_script_the_page_says_what_else_there_is_and_takes_no_password(
    browser: Browser, endpoint: Endpoint, script: str
) -> None:
    """A form that its script does not watch would send the password as the browser does, in a request of its own."""
    context = browser.new_context(java_script_enabled=script != "off")
    page = context.new_page()
    if script == "blocked":
        page.route("**/*.js", lambda route: route.abort())
    page.goto(endpoint.url)
    expect(page.get_by_label("Password", exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name="Sign in")).to_be_disabled()
    expect(page.get_by_text("Without it, send POST requests to this same address")).to_be_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(ana: Ana, scheme: Literal["light", "dark"]) -> None:
    """Signed out, with an error, signed in, with the schema, on a narrow screen."""
    ana.page.emulate_media(color_scheme=scheme)
    ana.signs_in("wrong")
    expect(ana.page.get_by_role("alert").filter(has_text="INVALID_CREDENTIALS")).to_be_visible()
    found = {"signed out": violations(ana.page)}
    ana.signs_in()
    ana.is_signed_in()
    ana.runs("{ hello fails }")
    ana.reads("hurt")
    found["signed in"] = violations(ana.page)
    ana.page.get_by_role("tab", name="Schema").click()
    expect(ana.page.get_by_role("region", name="Schema")).to_contain_text("Company")
    found["schema"] = violations(ana.page)
    ana.page.set_viewport_size({"width": 390, "height": 844})
    found["narrow"] = violations(ana.page)
    assert "\n".join(f"{state}: {each}" for state, all_ in found.items() for each in all_) == ""


def test_both_spellings_of_the_endpoint_share_the_tabs_session(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    ana.page.goto(ana.page.url.rstrip("/"))
    ana.is_signed_in()
