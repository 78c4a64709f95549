"""Passwords and tokens on the GraphiQL page: typed everywhere, kept nowhere. Hostile words stay words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.web.conftest import serving
from tests.web.fake_endpoint import EMAIL, HOSTILE, PASSWORD, Endpoint
from tests.web.graphiql import Iris, graphiql_page, iris_at

SIGN_IN = """mutation M($who: String!, $p: String!) {
  signIn(useManagementflow: true, credentials: { userName: $who, password: $p }) { accessToken refreshToken }
}"""
INLINE = f"""mutation {{ renamed: signIn(useManagementflow: true, credentials: {{
  userName: "{EMAIL}", password: "{PASSWORD}" }}) {{ accessToken }} }}"""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving(graphiql_page()) as endpoint:
        yield endpoint


@pytest.fixture
def iris(context: BrowserContext, endpoint: Endpoint) -> Iris:
    return iris_at(context, endpoint)


def history_of(iris: Iris) -> str:
    if not iris.page.locator(".graphiql-history").is_visible():
        iris.presses("Show History")
    return iris.page.locator(".graphiql-history").inner_text()


def rests(iris: Iris) -> None:
    """Wait as long as GraphiQL waits until it stores what was typed, and longer."""
    iris.page.wait_for_timeout(1_000)


@pytest.mark.parametrize(
    ("query", "variables"),
    [(INLINE, ""), (SIGN_IN, f'{{"who": "{EMAIL}", "p": "{PASSWORD}"}}')],
    ids=["written in the document", "as variables of innocent names"],
)
def test_a_sign_in_that_was_run_is_kept_nowhere(iris: Iris, query: str, variables: str) -> None:
    iris.runs(query, variables)
    iris.reads("accessToken")
    rests(iris)
    token = next(iter(iris.service.live_access_tokens))
    for secret in (PASSWORD, token, "gpr_refresh"):
        assert secret not in iris.kept()
        assert secret not in history_of(iris)
    assert "signIn" not in iris.kept()
    assert "signIn" not in history_of(iris)


def test_what_was_sent_as_a_password_is_known_wherever_it_comes_back(iris: Iris) -> None:
    """Here the document that told what it is has gone, and the variables have stayed."""
    iris.runs(SIGN_IN, f'{{"who": "{EMAIL}", "p": "{PASSWORD}"}}')
    iris.reads("accessToken")
    iris.writes("query Harmless($p: String) { hello(name: $p) }")
    rests(iris)
    iris.presses("Execute query")
    iris.reads("UNAUTHENTICATED")
    rests(iris)
    assert PASSWORD not in iris.kept()
    assert "Harmless" not in history_of(iris)


def test_what_looked_harmless_goes_when_it_turns_out_to_be_a_password(iris: Iris) -> None:
    """The variable was there before the query that says what it is."""
    iris.writes("query Harmless($p: String) { hello(name: $p) }")
    iris.writes(f'{{"who": "{EMAIL}", "p": "{PASSWORD}"}}', "variables.json")
    rests(iris)
    iris.presses("Execute query")
    iris.reads("UNAUTHENTICATED")
    assert PASSWORD in iris.kept(), "as nobody could know it then"
    iris.writes(SIGN_IN)
    rests(iris)
    iris.presses("Execute query")
    iris.reads("accessToken")
    rests(iris)
    assert PASSWORD not in iris.kept()
    assert "Harmless" not in history_of(iris)


def test_what_was_kept_goes_when_the_form_says_that_it_is_a_password(iris: Iris) -> None:
    """From the history in the panel as well; what is run afterwards is kept as ever."""
    iris.runs("query Harmless($p: String) { hello(name: $p) }", f'{{"p": "{PASSWORD}"}}')
    iris.reads("UNAUTHENTICATED")
    rests(iris)
    assert PASSWORD in iris.kept(), "as nobody could know it then"
    iris.signs_in()
    expect(iris.page.get_by_role("heading", name="Signed in")).to_be_visible()
    assert PASSWORD not in iris.kept()
    assert "Harmless" not in history_of(iris)
    iris.runs("query Later { hello }")
    iris.reads("Hello, you!")
    rests(iris)
    assert "Later" in history_of(iris)
    assert "Later" in iris.kept()
    assert PASSWORD not in iris.kept()


def test_a_variable_that_was_sent_as_a_password_is_known_after_a_reload_and_in_another_tab(
    iris: Iris, context: BrowserContext, endpoint: Endpoint
) -> None:
    """By its name, which is all that is kept of it, until a sign-out."""
    iris.runs(SIGN_IN, f'{{"who": "{EMAIL}", "p": "{PASSWORD}"}}')
    iris.reads("accessToken")
    iris.page.reload()
    iris.sees_the_editor()
    for tab in (iris, iris_at(context, endpoint)):
        for name in ("name", "p"):
            tab.runs(f"query By_{name}(${name}: String) {{ hello(name: ${name}) }}", f'{{"{name}": "x-{PASSWORD}"}}')
            tab.reads("UNAUTHENTICATED")
            rests(tab)
            assert (f"By_{name}" in tab.kept()) is (name == "name")
            assert (f"By_{name}" in history_of(tab)) is (name == "name")
    assert '"p"' in iris.kept()
    iris.presses("Show Sign-in")
    iris.signs_in()
    iris.is_signed_in()
    iris.presses("Sign out")
    iris.is_signed_out()
    assert '"p"' not in iris.kept()


def test_typed_by_hand_and_never_run_it_is_kept_nowhere(iris: Iris) -> None:
    iris.page.locator(".graphiql-query-editor .view-lines").click()
    iris.page.keyboard.press("Control+a")
    iris.page.keyboard.type("mutation { signInRefresh(credentials: {refreshToken: " + '"gpr_typed-by-hand', delay=5)
    rests(iris)
    assert "gpr_typed" in iris.text_of()
    assert "gpr_typed" not in iris.kept()


@pytest.mark.parametrize(
    ("editor", "text", "secret"),
    [
        ("variables.json", '{"password": "hunter2-hunter2"}', "hunter2"),
        ("variables.json", '{"passw\\u006frd": "hunter2-hunter2"}', "hunter2"),
        ("variables.json", '{"userPwd": "hunter2-hunter2"}', "hunter2"),
        ("variables.json", '{"token": "hunter2-hunter2"}', "hunter2"),
        ("variables.json", '{"x": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbmEifQ.c2ln"}', "eyJhbGci"),
        ("variables.json", f'{{"x": "gph_{56 * "k"}"}}', "kkkk"),
        ("request-headers.json", '{"Authorization": "Bearer abcdefghi"}', "abcdefghi"),
        ("request-headers.json", '{"X-Api-Key": "abcdefghi"}', "abcdefghi"),
        ("operation.graphql", 'query { hello(name: "Authorisation: Bearer abcdefghi") }', "abcdefghi"),
    ],
)
def test_credentials_in_any_editor_are_not_stored(iris: Iris, editor: str, text: str, secret: str) -> None:
    iris.signs_in()
    iris.is_signed_in()
    iris.writes("query Named { hello }")
    iris.writes(text, editor)
    iris.presses("Execute query")
    rests(iris)
    assert secret not in iris.kept()
    assert secret not in history_of(iris)


def test_what_is_harmless_is_kept_and_found_again(iris: Iris) -> None:
    """Otherwise the tests above would pass with a page that forgets everything."""
    iris.signs_in()
    iris.is_signed_in()
    iris.runs("query Mine($name: String) { hello(name: $name) }", '{"name": "Ben"}')
    iris.reads("Hello, Ben!")
    assert "Mine" in history_of(iris)
    iris.presses("Show Sign-in")
    iris.presses("New tab")
    iris.writes(INLINE)
    iris.presses("New tab")
    iris.writes("query Third { hello }")
    rests(iris)
    iris.page.reload()
    iris.sees_the_editor()
    iris.is_signed_in()
    assert iris.text_of() == "query Third { hello }"
    expect(iris.page.locator(".graphiql-tab-button")).to_have_text(["Mine", "Third"])
    iris.page.locator(".graphiql-tab-button", has_text="Mine").click()
    assert "query Mine" in iris.text_of()
    assert "Ben" in iris.text_of("variables.json")
    assert PASSWORD not in iris.kept()


def test_the_access_token_is_in_memory_alone(iris: Iris) -> None:
    iris.signs_in()
    iris.is_signed_in()
    rests(iris)
    kept = iris.kept()
    assert "gpr_refresh1" in kept
    assert not any(token in kept for token in iris.service.live_access_tokens)


def test_markup_in_a_schema_an_error_or_an_operation_name_stays_text(iris: Iris) -> None:
    iris.signs_in()
    iris.is_signed_in()
    iris.runs("query Bad { fails }")
    iris.reads("<script>window.hurt=1</script>")
    expect(iris.advice).to_contain_text(HOSTILE)
    iris.presses("Show Documentation Explorer")
    docs = iris.page.locator(".graphiql-doc-explorer")
    docs.get_by_role("link", name="Query").click()
    expect(docs).to_contain_text("<script>window.hurt=1</script>")
    docs.get_by_role("link", name="hello", exact=True).click()
    expect(docs).to_contain_text("!seen [run](javascript:window.hurt=1) far <b>x</b>")
    assert docs.locator("img, b, a[href^='javascript']").count() == 0
    iris.writes(f"query A {{ hello }} query {HOSTILE} {{ hello }}")
    for field, description in (("companies", "Companies by name"), ("hello", "seen run far")):
        iris.writes(f"{{\n  {field}\n}}")
        iris.page.locator(".graphiql-query-editor .view-line span", has_text=field).last.hover()
        hover = iris.page.locator(".monaco-hover").filter(has_text=description)
        expect(hover).to_be_visible()
        assert hover.locator("script, img, b, a[href^='javascript'], a[data-href^='javascript']").count() == 0
    assert iris.page.evaluate("window.hurt") is None
    assert iris.page.locator("#ide script, #ide img[src='x']").count() == 0


def test_the_keyboard_is_not_trapped_in_the_editor_and_its_own_widgets_work(iris: Iris) -> None:
    """WCAG 2.1.2. What the widgets show passes the policy for markup; the context's end says if something did not."""
    editor = iris.page.locator(".graphiql-query-editor .view-lines")
    editor.click()
    iris.page.keyboard.press("Control+m")
    iris.page.keyboard.press("Tab")
    expect(iris.page.get_by_role("button", name="Execute query")).to_be_focused()
    editor.click()
    iris.page.keyboard.press("F1")
    expect(iris.page.locator(".quick-input-widget")).to_be_visible()
    iris.page.keyboard.press("Escape")
    iris.page.keyboard.press("Control+f")
    expect(iris.page.locator(".find-widget.visible")).to_be_visible()
    iris.page.keyboard.press("Escape")
    iris.page.keyboard.press("Control+Space")
    iris.page.wait_for_timeout(500)


def test_the_second_wall_turns_markup_into_letters(iris: Iris) -> None:
    """Trusted Types: whatever parses markup on this page gets it through a policy of ours."""
    shown = iris.page.evaluate(
        """() => ['<p>plain <em>words</em></p>', '<img src=x onerror=hurt()>', '<a href="javascript:hurt()">x</a>']
                     .map(text => Object.assign(document.createElement('div'), { innerHTML: text }).children.length)"""
    )
    assert shown == [1, 0, 0]
    with pytest.raises(Exception, match=r"another address"):
        iris.page.evaluate("document.createElement('script').src = 'https://elsewhere.example/x.js'")
