"""Writing and running requests with the page, in a real browser."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.web.conftest import Ana, profile, serving
from tests.web.fake_endpoint import HOSTILE, Endpoint


@pytest.fixture(scope="module")
def desk(browser: Browser) -> Iterator[Ana]:
    """One sign-in for all that is only about the editor."""
    with serving() as endpoint, profile(browser, endpoint) as context:
        ana = Ana(context.new_page(), endpoint.service)
        ana.opens(endpoint.url)
        ana.signs_in()
        ana.is_signed_in()
        expect(ana.editor).to_have_value(EXAMPLE)
        yield ana


@pytest.fixture
def signed_in(desk: Ana) -> Ana:
    """Signed in, the variables and the headers empty."""
    for name in ("variables", "headers"):
        part = desk.page.locator(f"#{name}-part")
        if part.get_attribute("open") is None:
            part.locator("summary").click()
        part.locator("textarea").fill("")
    return desk


EXAMPLE = """# The first fields of this API.
# More: “Schema”.

query Example {
  companies(first: 5) {
    number
    name
    country
    age
  }
  hello
  fails
}
"""


def test_the_example_after_sign_in_runs_as_it_is(signed_in: Ana) -> None:
    signed_in.runs(EXAMPLE)
    signed_in.reads("Tesco PLC")
    expect(signed_in.status).to_contain_text("200 OK")


def test_a_result_comes_with_its_status_time_and_size(signed_in: Ana) -> None:
    signed_in.runs("{ hello }")
    signed_in.reads('{\n  "data": {\n    "hello": "Hello, you!"\n  }\n}')
    assert [part.split()[-1] for part in signed_in.status.inner_text().split(" · ")] == ["OK", "ms", "B"]


def test_variables_are_checked_before_anything_is_sent(signed_in: Ana) -> None:
    before = len(signed_in.service.calls)
    variables = signed_in.page.get_by_label("Variables, a JSON object")
    for wrong, advice in (
        ("{name: 1}", "The variables are not JSON:"),
        ("[1]", 'must be a JSON object: {"name": value}'),
    ):
        variables.fill(wrong)
        signed_in.presses("Run")
        expect(signed_in.page.get_by_role("alert").filter(has_text=advice)).to_be_visible()
        expect(variables).to_be_focused()
    assert len(signed_in.service.calls) == before
    variables.fill('{"name": "Ben"}')
    signed_in.runs("query Greet($name: String) { hello(name: $name) }")
    signed_in.reads("Hello, Ben!")


def test_extra_headers_are_sent_and_wrong_ones_are_not(signed_in: Ana) -> None:
    headers = signed_in.page.get_by_label("Extra headers")
    headers.fill("X Extra 1")
    signed_in.presses("Run")
    expect(signed_in.page.get_by_role("alert").filter(has_text="Not a header: “X Extra 1”")).to_be_visible()
    headers.fill("X-Extra: yes")
    signed_in.runs("{ hello }")
    signed_in.reads("Hello, you!")
    assert signed_in.service.calls[-1] == ("hello", "yes")


def test_of_several_operations_the_one_at_the_caret_runs(signed_in: Ana) -> None:
    signed_in.runs('query A { hello(name: "first } {") }\n# query C {}\nquery B { hello(name: "second") }')
    signed_in.reads("Hello, second!")
    choice = signed_in.page.get_by_label("Operation", exact=True)
    expect(choice.locator("option")).to_have_text(["query A", "query B"])
    choice.select_option(label="query A")
    signed_in.run_button.click()
    signed_in.reads("Hello, first } {!")


def test_a_subscription_is_shown_event_by_event(signed_in: Ana) -> None:
    signed_in.runs("subscription { ticks { number } }")
    expect(signed_in.status).to_have_text("Complete · 3 events")
    expect(signed_in.result.get_by_role("listitem")).to_have_count(3)
    signed_in.reads('"number": 3')


def test_a_subscription_can_be_stopped(signed_in: Ana) -> None:
    signed_in.runs("subscription endless { ticks { number } }")
    signed_in.reads('"number": 5')
    signed_in.presses("Stop")
    expect(signed_in.status).to_contain_text("Stopped")
    expect(signed_in.page.get_by_role("button", name="Stop")).to_be_hidden()


def test_a_stream_that_breaks_off_says_so_and_leaves_its_events(signed_in: Ana) -> None:
    signed_in.runs("subscription breaks { ticks { number } }")
    signed_in.reads('"number": 3')
    signed_in.service.streams_may_break.set()
    expect(signed_in.status).to_have_text("The connection broke before the server ended the stream · 3 events")
    signed_in.reads('"number": 3')


def test_in_the_systems_own_colours_nothing_looks_selected_but_what_is(browser: Browser, endpoint: Endpoint) -> None:
    """As with Windows' contrast themes: they paint behind what is coloured, and show borders that were transparent."""
    context = browser.new_context(forced_colors="active")
    ana = Ana(context.new_page(), endpoint.service)
    ana.opens(endpoint.url)
    ana.runs("{ hello }")
    ana.reads("UNAUTHENTICATED")
    assert ana.page.evaluate("[...CSS.highlights.values()].map(each => each.size)") == []
    borders = ana.page.get_by_role("tab").evaluate_all(
        "tabs => tabs.map(tab => getComputedStyle(tab).borderBottomColor)"
    )
    assert len(set(borders)) == 2
    context.close()


def test_a_flood_of_events_leaves_the_page_time_to_be_stopped(signed_in: Ana) -> None:
    """The server sends as fast as it can."""
    signed_in.runs("subscription flood { ticks { number } }")
    signed_in.reads('"number": 1')
    signed_in.presses("Stop")
    expect(signed_in.status).to_contain_text("Stopped")


def test_a_new_run_replaces_a_stream(signed_in: Ana) -> None:
    signed_in.runs("subscription endless { ticks { number } }")
    signed_in.reads('"number": 2')
    signed_in.runs("{ hello }")
    signed_in.reads("Hello, you!")
    expect(signed_in.status).to_contain_text("200 OK")
    expect(signed_in.result.get_by_role("listitem")).to_have_count(0)


def test_numbers_are_shown_as_the_server_wrote_them(signed_in: Ana) -> None:
    """JSON.parse would turn it into 12345678901234567000."""
    signed_in.page.route(
        "**/graphql/",
        lambda route: route.fulfill(
            content_type="application/json", body='{"data":{"n":12345678901234567890,"e":[],"o":{}}}'
        ),
    )
    signed_in.runs("{ hello }")
    signed_in.reads('{\n  "data": {\n    "n": 12345678901234567890,\n    "e": [],\n    "o": {}\n  }\n}')
    signed_in.page.unroute_all()


def test_an_error_leads_to_its_place_in_the_document(signed_in: Ana) -> None:
    signed_in.runs("{\n  hello\n  fails\n}")
    signed_in.page.get_by_role("button", name="line 3, column 3").click()
    expect(signed_in.editor).to_be_focused()
    assert signed_in.page.evaluate("document.activeElement.selectionStart") == len("{\n  hello\n  ")


def test_the_schema_is_the_sign_in_schema_first_and_the_whole_one_after_sign_in(ana: Ana) -> None:
    ana.page.get_by_role("tab", name="Schema").click()
    schema = ana.page.get_by_role("region", name="Schema")
    expect(schema).to_contain_text("signIn(useManagementflow: Boolean!, credentials: SignInCredentials!): Tokens!")
    expect(schema).not_to_contain_text("Company")
    ana.signs_in()
    expect(schema).to_contain_text("companies(first: Int = 20, country: Country): [Company!]!")
    ana.page.get_by_label("Find in the schema").fill("officer since")
    expect(schema).to_have_text("type Officer {\n  name: String!\n  since: Date\n}")


def test_markup_in_a_schema_an_error_or_an_operation_name_stays_text(signed_in: Ana) -> None:
    signed_in.page.get_by_role("tab", name="Schema").click()
    expect(signed_in.page.get_by_role("region", name="Schema")).to_contain_text("<script>window.hurt=1</script>")
    signed_in.runs("{ fails }")
    expect(signed_in.page.get_by_label("Errors")).to_contain_text(HOSTILE)
    signed_in.editor.fill(f"query A {{ hello }} query {HOSTILE} {{ hello }}")
    assert signed_in.page.evaluate("window.hurt") is None
    assert signed_in.page.locator("script, img").count() == 2


def test_completion_offers_what_fits_at_the_caret(signed_in: Ana) -> None:
    signed_in.editor.fill("{ companies(cou")
    signed_in.editor.press("Control+Space")
    expect(signed_in.editor).to_have_value("{ companies(country")
    signed_in.editor.press_sequentially(": ")
    signed_in.editor.press("Control+Space")
    expect(signed_in.page.get_by_role("option")).to_have_text(["GBCountry", "IECountry", "NOCountry"])
    signed_in.editor.press("ArrowDown")
    signed_in.editor.press("Enter")
    signed_in.editor.press_sequentially(") { of")
    signed_in.editor.press("Control+Space")
    expect(signed_in.editor).to_have_value("{ companies(country: IE) { officers")


def test_the_keyboard_is_not_trapped_in_the_editor(signed_in: Ana) -> None:
    """WCAG 2.1.2: Tab indents, and the page says how to leave."""
    signed_in.editor.fill("")
    signed_in.editor.press("Tab")
    expect(signed_in.editor).to_have_value("  ")
    expect(signed_in.editor).to_have_accessible_description(
        "Ctrl+Enter runs. Tab indents; Escape, then Tab leaves the editor. Ctrl+Space completes."
    )
    signed_in.editor.press("Escape")
    signed_in.page.keyboard.press("Tab")
    expect(signed_in.editor).not_to_be_focused()
    expect(signed_in.editor).to_have_value("  ")


def test_enter_keeps_the_indentation(signed_in: Ana) -> None:
    signed_in.editor.fill("")
    for key in ("query A {", "Enter", "hello", "Enter", "}"):
        (signed_in.editor.press if key == "Enter" else signed_in.editor.press_sequentially)(key)
    expect(signed_in.editor).to_have_value("query A {\n  hello\n}")


TRICKY = 'query Greet($name: String) { hello(name: $name) } # it\'s "$HOME" `id` \\ """ !!'
NAME = "O'Brien \"\\ $(id) é 😀\n"


@pytest.fixture
def tricky(signed_in: Ana) -> Ana:
    signed_in.page.get_by_label("Variables, a JSON object").fill(json.dumps({"name": NAME}))
    signed_in.editor.fill(TRICKY)
    return signed_in


def copied(ana: Ana, button: str) -> str:
    ana.presses(button)
    expect(ana.page.locator("#word")).to_contain_text("Copied")
    return str(ana.page.evaluate("navigator.clipboard.readText()"))


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_copy_as_curl_gives_a_command_that_any_shell_runs(tricky: Ana) -> None:
    command = copied(tricky, "Copy as curl")
    answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=10)
    assert json.loads(answer.stdout) == {"data": {"hello": f"Hello, {NAME}!"}}


def test_copy_as_python_gives_a_script_that_runs(tricky: Ana) -> None:
    script = copied(tricky, "Copy as Python")
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=10)
    assert answer.stdout == f"{ {'data': {'hello': f'Hello, {NAME}!'}} }\n"


def test_copy_header_gives_the_header_line(signed_in: Ana) -> None:
    header = copied(signed_in, "Copy header")
    assert header.removeprefix("Authorization: Bearer ") in signed_in.service.live_access_tokens


def test_an_example_begins_with_the_comment_that_says_what_to_do(ana: Ana) -> None:
    """On a narrow screen its end and its beginning are not to be seen at once, and the caret is in the editor."""
    ana.page.set_viewport_size({"width": 390, "height": 500})
    ana.signs_in()
    ana.is_signed_in()
    expect(ana.editor).to_have_value(EXAMPLE)
    expect(ana.editor).to_be_focused()
    assert ana.page.evaluate("[document.activeElement.selectionStart, document.activeElement.scrollTop]") == [0, 0]


def test_a_narrow_screen_needs_no_sideways_scrolling(signed_in: Ana) -> None:
    """WCAG 1.4.10, reflow."""
    signed_in.page.set_viewport_size({"width": 320, "height": 640})
    assert signed_in.page.evaluate("document.documentElement.scrollWidth") <= 320
