"""Signing in and out with the GraphiQL page, and keeping the sign-in fresh, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.web.conftest import first_token_expires, profile, serving, signed_in_by_a_clock_of_ours, wait_until
from tests.web.fake_endpoint import EMAIL, PASSWORD, Endpoint, Refusal
from tests.web.graphiql import EXAMPLE, Iris, graphiql_page, iris_at


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving(graphiql_page()) as endpoint:
        yield endpoint


@pytest.fixture
def iris(context: BrowserContext, endpoint: Endpoint) -> Iris:
    return iris_at(context, endpoint)


def test_iris_signs_in_and_sees_who_she_is_what_she_may_and_for_how_long(iris: Iris) -> None:
    expect(iris.page.get_by_label("E-mail address", exact=True)).to_have_attribute("autocomplete", "username")
    expect(iris.page.get_by_label("Password", exact=True)).to_have_attribute("autocomplete", "current-password")
    iris.signs_in()
    iris.is_signed_in()
    expect(iris.page.locator(".pass .account")).to_have_text(EMAIL)
    expect(iris.page.locator(".scopes li")).to_have_text(["api", "companies:read"])
    expect(iris.page.get_by_role("timer")).to_have_text(re.compile(r"^(1:00:00|59:\d\d)$"))


def test_a_wrong_password_says_why_and_lets_her_try_again(iris: Iris) -> None:
    iris.signs_in("wrong")
    expect(iris.problem("INVALID_CREDENTIALS")).to_contain_text("E-mail address or password is wrong. <img src=x")
    expect(iris.page.get_by_label("Password", exact=True)).to_be_focused()
    iris.signs_in()
    iris.is_signed_in()


def test_a_throttled_sign_in_says_when_to_come_back(iris: Iris) -> None:
    iris.service.sign_ins_fail_with = Refusal("RATE_LIMITED", "Too many attempts.", retry_after=30)
    iris.signs_in()
    expect(iris.problem("RATE_LIMITED")).to_contain_text("Too many attempts. Try again in 30 s.")


def test_offline_is_told_apart_from_a_refusal(iris: Iris, context: BrowserContext) -> None:
    iris.runs("{ hello }")
    iris.reads("UNAUTHENTICATED")
    iris.has_the_workers()
    context.set_offline(True)
    iris.signs_in()
    expect(iris.problem("The server cannot be reached: this browser is offline.")).to_be_visible()
    context.set_offline(False)
    iris.signs_in()
    iris.is_signed_in()
    context.set_offline(True)
    iris.runs("{ hello }")
    iris.reads("The server cannot be reached: this browser is offline.")
    expect(iris.status).to_have_text("No answer")


def test_the_docs_show_the_sign_in_schema_first_and_the_merged_one_after(iris: Iris) -> None:
    iris.presses("Show Documentation Explorer")
    docs = iris.page.locator(".graphiql-doc-explorer")
    docs.get_by_role("link", name="Mutation").click()
    expect(docs).to_contain_text("signInRefresh")
    iris.presses("Show Sign-in")
    iris.signs_in()
    iris.is_signed_in()
    iris.presses("Show Documentation Explorer")
    docs.get_by_role("link", name="Go back to Docs").click()
    docs.get_by_role("link", name="Query").click()
    expect(docs).to_contain_text("companies")


def test_a_reload_keeps_the_sign_in_and_renews_once(iris: Iris) -> None:
    iris.signs_in()
    iris.is_signed_in()
    iris.page.reload()
    iris.sees_the_editor()
    iris.is_signed_in()
    assert iris.service.count("signInRefresh") == 1
    iris.runs("{ hello }")
    iris.reads("Hello, you!")


def test_where_the_setting_says_so_a_reload_finds_nothing(browser: Browser) -> None:
    with serving(graphiql_page(keeps_sign_in=False)) as endpoint, profile(browser, endpoint) as context:
        iris = iris_at(context, endpoint)
        iris.signs_in()
        iris.is_signed_in()
        assert "gpr_" not in iris.kept()
        assert "gph_" not in iris.kept()
        iris.page.reload()
        iris.is_signed_out()


def test_signing_out_clears_everything(iris: Iris) -> None:
    iris.signs_in()
    iris.is_signed_in()
    iris.runs("query Mine { hello }", '{"kept": "variables of mine"}')
    iris.reads("Hello, you!")
    iris.writes('{"X-Extra": "header of mine"}', "request-headers.json")
    iris.page.wait_for_timeout(700)
    assert "Mine" in iris.kept()
    iris.presses("Sign out")
    iris.is_signed_out()
    iris.sees_the_editor()
    wait_until(iris, lambda: not iris.service.live_refresh_tokens)
    assert iris.text_of().startswith("# Sign in with")
    for editor in ("response.json", "variables.json", "request-headers.json"):
        assert iris.text_of(editor) == ""
    iris.page.wait_for_timeout(1200)
    for trace in ("Mine", "of mine", "Hello", "gpr_", "gph_"):
        assert trace not in iris.kept()
    iris.page.reload()
    iris.sees_the_editor()
    iris.is_signed_out()


def test_after_a_sign_out_the_form_has_the_focus_and_a_server_that_was_not_told_is_said(iris: Iris) -> None:
    """Whoever has no mouse goes on from there, and not from the top of the page."""
    iris.signs_in()
    iris.is_signed_in()
    iris.service.hangs_up_on_sign_out = True
    iris.presses("Sign out")
    expect(iris.problem("Signed out here. The server was not told: The server cannot be reached.")).to_be_visible()
    iris.sees_the_editor()
    expect(iris.page.get_by_label("E-mail address", exact=True)).to_be_focused()
    iris.signs_in()
    iris.is_signed_in()
    expect(iris.problem("Signed out here.")).to_have_count(0)


def test_what_the_editors_had_put_off_when_she_signs_out_is_no_error_of_the_page(iris: Iris) -> None:
    """They look for equal words 50 ms after the caret has moved; the context's end says if a promise of that broke."""
    iris.signs_in()
    iris.is_signed_in()
    iris.page.evaluate(
        """() => { for (const each of __MONACO.editor.getEditors()) each.trigger("", "cursorMove", { to: "right" });
                   [...document.querySelectorAll("button")].find(each => each.textContent === "Sign out").click(); }"""
    )
    iris.is_signed_out()
    iris.sees_the_editor()


def test_the_device_hint_goes_with_the_next_sign_in_and_ends_with_the_sign_out(iris: Iris) -> None:
    iris.signs_in()
    iris.is_signed_in()
    again = iris_at_new_tab(iris)
    again.signs_in()
    again.is_signed_in()
    again.presses("Sign out")
    again.is_signed_out()
    again.sees_the_editor()
    again.signs_in()
    again.is_signed_in()
    assert iris.service.hints == [None, iris.service.hint, None]


def test_signing_out_in_one_tab_clears_its_duplicate(iris: Iris) -> None:
    iris.signs_in()
    iris.is_signed_in()
    other = duplicate(iris)
    iris.presses("Sign out")
    other.is_signed_out()
    expect(other.problem("You signed out in another tab.")).to_be_visible()
    assert "gpr_" not in other.kept()
    assert "gph_" not in other.kept()


def test_a_token_of_a_few_seconds_is_renewed_before_it_expires(iris: Iris) -> None:
    iris.service.next_lives = [3]
    iris.signs_in()
    iris.page.wait_for_timeout(2_800)
    iris.runs("{ hello }")
    iris.reads("Hello, you!")
    assert iris.service.count("signInRefresh") == 1
    assert iris.service.refused_bearers == 0


def test_a_refused_bearer_is_renewed_once_and_the_request_sent_again(iris: Iris) -> None:
    iris.signs_in()
    iris.is_signed_in()
    iris.service.forget_access_tokens()
    iris.runs("{ hello }")
    iris.reads("Hello, you!")
    assert (iris.service.refused_bearers, iris.service.count("signInRefresh")) == (1, 1)


def test_two_tabs_that_want_to_renew_at_the_same_moment_do_it_once(iris: Iris) -> None:
    """Here a refresh token works exactly once: a second renewal with it would end the sign-in."""
    iris.signs_in()
    iris.is_signed_in()
    other = duplicate(iris)
    iris.service.renewals_may_pass.clear()
    for tab in (iris, other):
        tab.page.get_by_role("button", name="Renew now").dispatch_event("click")
    iris.service.renewals_may_pass.set()
    for tab in (iris, other):
        expect(tab.page.get_by_text("Renewed.")).to_be_visible()
        tab.runs("{ hello }")
        tab.reads("Hello, you!")
    assert iris.service.count("signInRefresh") == 2, "one when the duplicate was opened, one for both"


def test_a_laptop_that_slept_renews_when_it_wakes(context: BrowserContext, endpoint: Endpoint) -> None:
    iris = signed_in_by_a_clock_of_ours(Iris, context, endpoint)
    iris.page.clock.fast_forward("03:00:00")
    expect(iris.page.get_by_role("timer")).to_have_text(re.compile(r"^(1:00:00|59:\d\d)$"))
    assert iris.service.count("signInRefresh") == 1


def test_a_session_that_ended_leads_back_to_the_form_and_keeps_her_work(iris: Iris) -> None:
    iris.signs_in()
    iris.is_signed_in()
    iris.writes("query Mine { hello }")
    iris.service.live_refresh_tokens.clear()
    iris.presses("Renew now")
    expect(iris.problem("Your sign-in has ended")).to_contain_text("used before")
    assert iris.text_of() == "query Mine { hello }"


def test_a_server_in_trouble_ends_no_session(iris: Iris) -> None:
    iris.signs_in()
    iris.is_signed_in()
    iris.service.renewals_fail_with = Refusal("OVERLOADED", "Too much to do.", 503)
    iris.presses("Renew now")
    expect(iris.problem("Not renewed: Too much to do.")).to_be_visible()
    iris.service.renewals_fail_with = None
    iris.presses("Renew now")
    expect(iris.problem("Not renewed")).to_have_count(0)
    iris.is_signed_in()


def test_a_reload_while_the_server_is_in_trouble_finds_everything_when_it_is_over(iris: Iris) -> None:
    iris.signs_in()
    iris.is_signed_in()
    iris.service.renewals_fail_with = Refusal("OVERLOADED", "Too much to do.", 503)
    iris.page.reload()
    iris.sees_the_editor()
    expect(iris.page.get_by_role("heading", name="One moment")).to_be_visible()
    expect(iris.problem("Not renewed: Too much to do.")).to_be_visible()
    iris.service.renewals_fail_with = None
    iris.is_signed_in()
    iris.presses("Show Documentation Explorer")
    iris.page.locator(".graphiql-doc-explorer").get_by_role("link", name="Query").click()
    expect(iris.page.locator(".graphiql-doc-explorer")).to_contain_text("companies")


def test_a_subscription_goes_on_across_a_renewal(context: BrowserContext, endpoint: Endpoint) -> None:
    """The server ends a stream with the token that opened it; the page opens it again with the next one."""
    iris = signed_in_by_a_clock_of_ours(Iris, context, endpoint)
    iris.runs("subscription endless { ticks { number } }")
    expect(iris.status).to_contain_text("Streaming")
    first_token_expires(iris)
    wait_until(iris, lambda: iris.service.count("ticks") == 2)
    before = events(iris)
    expect(iris.status).not_to_have_text(f"Streaming · {before} events")
    assert events(iris) > before
    assert iris.service.refused_bearers == 0
    iris.presses("Stop query")
    expect(iris.status).to_have_text("Stopped")


def test_the_mutation_of_the_specification_in_the_editor_offers_its_token(iris: Iris) -> None:
    iris.runs(iris.text_of().replace("xxxx", EMAIL).replace("yyyy", PASSWORD))
    iris.presses("Use this token")
    iris.is_signed_in()
    assert EXAMPLE.search(iris.text_of())
    assert iris.text_of("response.json") == ""


@pytest.mark.parametrize("path", ["/graphql", "/deep/prefix/graphql/", "//other.example/graphql/"])
def test_the_page_works_wherever_the_endpoint_is(context: BrowserContext, endpoint: Endpoint, path: str) -> None:
    """The last one would name another host if it were used as a relative reference."""
    iris = Iris(context.new_page(), endpoint.service)
    iris.opens(endpoint.url.replace("/api/graphql/", path))
    iris.signs_in()
    iris.is_signed_in()


def iris_at_new_tab(iris: Iris) -> Iris:
    """A tab of the same browser, which knows nothing of the other one's sign-in."""
    other = Iris(iris.page.context.new_page(), iris.service)
    other.opens(iris.page.url)
    return other


def duplicate(iris: Iris) -> Iris:
    """As the browser's "Duplicate tab" does: the new tab starts with a copy of the old one's sessionStorage."""
    with iris.page.context.expect_page() as opened:
        iris.page.evaluate("void window.open(location.href)")
    other = Iris(opened.value, iris.service)
    other.sees_the_editor()
    other.is_signed_in()
    return other


def events(iris: Iris) -> int:
    """How many events the page says it got."""
    found = re.search(r"(\d+) event", iris.status.inner_text())
    assert found
    return int(found[1])
