"""Keeping a sign-in fresh: by the clock, after a 401, in several tabs. The endpoint accepts each refresh token once."""

import re

from playwright.sync_api import BrowserContext, expect

from tests.web.conftest import Ana, first_token_expires, signed_in_by_a_clock_of_ours, wait_until
from tests.web.fake_endpoint import Endpoint


def duplicate(ana: Ana) -> Ana:
    """As the browser's "Duplicate tab" does: the new tab starts with a copy of the old one's sessionStorage."""
    with ana.page.context.expect_page() as opened:
        ana.page.evaluate("void window.open(location.href)")
    return Ana(opened.value, ana.service)


def wait_until_renewals(ana: Ana, count: int) -> None:
    wait_until(ana, lambda: ana.service.count("signInRefresh") >= count)


def test_a_token_is_renewed_before_it_expires(ana: Ana) -> None:
    ana.service.next_lives = [2]
    ana.signs_in()
    wait_until_renewals(ana, 1)
    ana.is_signed_in()
    ana.runs("{ hello }")
    ana.reads("Hello, you!")
    assert ana.service.count("signInRefresh") == 1
    assert ana.service.refused_bearers == 0


def test_a_laptop_that_slept_renews_when_it_wakes(context: BrowserContext, endpoint: Endpoint) -> None:
    """Timers stand still in sleep, the wall clock does not."""
    ana = signed_in_by_a_clock_of_ours(Ana, context, endpoint)
    ana.page.clock.fast_forward("03:00:00")
    wait_until_renewals(ana, 1)
    ana.is_signed_in()


def test_it_is_renewed_at_four_fifths_of_its_life_and_no_sooner(context: BrowserContext, endpoint: Endpoint) -> None:
    ana = signed_in_by_a_clock_of_ours(Ana, context, endpoint)
    ana.page.clock.fast_forward("47:00")
    expect(ana.page.get_by_role("timer")).to_have_text(re.compile(r"^1[23]:\d\d$"))
    assert ana.service.count("signInRefresh") == 0
    ana.page.clock.fast_forward("01:01")
    wait_until_renewals(ana, 1)


def test_a_refused_bearer_is_renewed_once_and_the_request_sent_again(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    ana.service.forget_access_tokens()
    ana.runs("{ hello }")
    ana.reads("Hello, you!")
    assert ana.service.refused_bearers == 1
    assert ana.service.count("signInRefresh") == 1


def test_a_subscription_goes_on_across_a_renewal(context: BrowserContext, endpoint: Endpoint) -> None:
    """The server ends a stream with the token that opened it; the page opens it again with the next one."""
    ana = signed_in_by_a_clock_of_ours(Ana, context, endpoint)
    ana.runs("subscription endless { ticks { number } }")
    ana.reads('"number": 2')
    first_token_expires(ana)
    wait_until(ana, lambda: ana.service.count("ticks") == 2)
    expect(ana.status).to_contain_text("Streaming")
    assert ana.service.refused_bearers == 0
    ana.presses("Stop")
    expect(ana.status).to_contain_text("Stopped")


def test_a_subscription_that_opened_after_a_renewal_goes_on_all_the_same(
    context: BrowserContext, endpoint: Endpoint
) -> None:
    """Its stream ends with the token that it was asked with, which is not the present one any more when it opens."""
    ana = signed_in_by_a_clock_of_ours(Ana, context, endpoint)
    ana.service.streams_may_open.clear()
    ana.runs("subscription endless { ticks { number } }")
    wait_until(ana, lambda: ana.service.count("ticks") == 1)
    first_token_expires(ana)
    ana.service.streams_may_open.set()
    wait_until(ana, lambda: ana.service.count("ticks") == 2)
    expect(ana.status).to_contain_text("Streaming")
    assert ana.service.refused_bearers == 0


def test_two_requests_refused_at_once_renew_once(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    expect(ana.editor).to_have_value(re.compile("query Example"))
    ana.service.forget_access_tokens()
    ana.service.renewals_may_pass.clear()
    ana.page.get_by_role("tab", name="Schema").click()
    ana.presses("Reload")
    ana.runs("{ hello }")
    wait_until(ana, lambda: ana.service.refused_bearers == 2)
    ana.service.renewals_may_pass.set()
    ana.reads("Hello, you!")
    ana.page.get_by_role("tab", name="Schema").click()
    expect(ana.page.get_by_role("region", name="Schema")).to_contain_text("type Company")
    assert ana.service.count("signInRefresh") == 1


def test_a_bearer_that_stays_refused_is_not_tried_for_ever(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    ana.service.expires_in = -1
    ana.service.forget_access_tokens()
    ana.runs("{ hello }")
    expect(ana.status).to_contain_text("401")
    ana.reads("UNAUTHENTICATED")


def test_duplicated_tabs_renew_once_between_them(ana: Ana) -> None:
    """Once when the new tab loads, and once when the token of that renewal comes to its end."""
    ana.service.next_lives = [3600, 2]
    ana.signs_in()
    ana.is_signed_in()
    other = duplicate(ana)
    other.is_signed_in()
    wait_until_renewals(ana, 2)
    for tab in (ana, other):
        tab.runs("{ hello }")
        tab.reads("Hello, you!")
        tab.is_signed_in()
    assert ana.stored() == other.stored()
    assert ana.service.count("signInRefresh") == 2


def test_two_tabs_that_want_to_renew_at_the_same_moment_do_it_once(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    other = duplicate(ana)
    other.is_signed_in()
    ana.service.renewals_may_pass.clear()
    for tab in (ana, other):
        tab.page.get_by_role("button", name="Renew now").dispatch_event("click")
    ana.service.renewals_may_pass.set()
    expect(ana.page.locator("#word")).to_have_text("Renewed.")
    expect(other.page.locator("#word")).to_have_text("Renewed.")
    assert ana.service.count("signInRefresh") == 2
    assert ana.stored() == other.stored()


def test_signing_out_in_one_tab_signs_its_duplicate_out(ana: Ana) -> None:
    ana.signs_in()
    ana.is_signed_in()
    other = duplicate(ana)
    other.is_signed_in()
    ana.presses("Sign out")
    other.is_signed_out()
    assert other.stored()["session"] == {}


def test_separate_sign_ins_in_two_tabs_do_not_meet(ana: Ana, endpoint: Endpoint) -> None:
    ana.signs_in()
    ana.is_signed_in()
    ben = Ana(ana.page.context.new_page(), endpoint.service)
    ben.opens(endpoint.url)
    ben.is_signed_out()
    ben.signs_in()
    ben.is_signed_in()
    ana.presses("Renew now")
    expect(ana.page.locator("#word")).to_have_text("Renewed.")
    ben.is_signed_in()
    assert ana.stored() != ben.stored()


def test_a_token_without_a_refresh_token_lasts_as_long_as_it_lasts(ana: Ana) -> None:
    ana.service.expires_in = 2
    ana.runs(
        "mutation { signIn(useManagementflow: true, credentials: "
        '{userName: "ana@example.org", password: "correct horse"}) { accessToken } }'
    )
    ana.presses("Use this token")
    expect(ana.page.locator("#renew")).to_be_disabled()
    expect(ana.page.get_by_role("alert").filter(has_text="no refresh token to renew it with")).to_be_visible()
    assert ana.service.count("signInRefresh") == 0
