"""Iris, a person at a browser tab with the GraphiQL page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from gatepass.web import GraphiqlPage, NotBuiltError
from tests.web.fake_endpoint import EMAIL, PASSWORD, Endpoint, Service

MODEL = "(name => __MONACO.editor.getModels().find(each => each.uri.path.endsWith(name)))"
EXAMPLE = re.compile("query Example")


def graphiql_page(*, keeps_sign_in: bool = True) -> GraphiqlPage:
    """The page, if this installation has it."""
    try:
        return GraphiqlPage(keeps_sign_in=keeps_sign_in)
    except NotBuiltError:
        pytest.skip("needs the GraphiQL page: `gatepass ide build`, with Node or the network")


class Iris:
    """What she does, and what she sees."""

    def __init__(self, page: Page, service: Service) -> None:
        self.page, self.service = page, service

    def opens(self, url: str) -> None:
        self.page.goto(url)
        self.sees_the_editor()

    def sees_the_editor(self) -> None:
        expect(self.page.locator(".graphiql-query-editor .view-line").first).to_be_visible(timeout=20_000)
        expect(self.page.locator(".result-window .monaco-editor")).to_be_visible()

    def has_the_workers(self) -> None:
        """Nothing more has to be loaded: Monaco asks for its workers when there is something for them to do."""
        self.page.wait_for_function(
            """() => ["editor", "graphql", "json"].every(name =>
                 performance.getEntriesByType("resource").some(each => each.name.includes(`${name}-worker.`)))"""
        )

    def signs_in(self, password: str = PASSWORD) -> None:
        self.page.get_by_label("E-mail address", exact=True).fill(EMAIL)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.keyboard.press("Enter")

    def is_signed_in(self) -> None:
        """Signed in and at rest: the page has put its example into the editor, if that was free."""
        expect(self.page.get_by_role("heading", name="Signed in")).to_be_visible()
        expect(self.page.get_by_role("button", name="Copy header")).to_be_enabled()
        self.page.wait_for_function(f"() => !{MODEL}('operation.graphql').getValue().startsWith('# Sign in with')")

    def is_signed_out(self) -> None:
        expect(self.page.get_by_label("Password", exact=True)).to_be_visible()

    def writes(self, text: str, editor: str = "operation.graphql") -> None:
        """As a paste over everything would; what is typed letter by letter, the editor completes."""
        self.page.evaluate(
            f"""([name, text]) => {{ const model = {MODEL}(name);
                 model.pushEditOperations([], [{{ range: model.getFullModelRange(), text }}], () => null); }}""",
            [editor, text],
        )
        self.page.wait_for_timeout(200)

    def text_of(self, editor: str = "operation.graphql") -> str:
        found: str = self.page.evaluate(f"name => {MODEL}(name).getValue()", editor)
        return found

    def runs(self, query: str, variables: str = "") -> None:
        self.writes(variables, "variables.json")
        self.writes(query)
        self.presses("Execute query")

    def reads(self, text: str) -> None:
        self.page.wait_for_function(f"text => {MODEL}('response.json').getValue().includes(text)", arg=text)

    def presses(self, button: str) -> None:
        self.page.get_by_role("button", name=button).first.click()

    @property
    def status(self) -> Locator:
        return self.page.locator(".answer .facts")

    @property
    def advice(self) -> Locator:
        return self.page.get_by_label("Errors", exact=True)

    def problem(self, text: str) -> Locator:
        return self.page.get_by_role("alert").filter(has_text=text)

    def kept(self) -> str:
        """Everything that the browser keeps for this page, as one text."""
        stores: dict[str, Any] = self.page.evaluate(
            """async () => ({ session: { ...sessionStorage }, local: { ...localStorage }, url: location.href,
                              cookies: document.cookie, state: history.state,
                              databases: await indexedDB.databases(), caches: await caches.keys() })"""
        )
        assert stores["databases"] == []
        assert stores["caches"] == []
        return repr(stores)


def iris_at(context: BrowserContext, endpoint: Endpoint) -> Iris:
    """Iris, who has opened the page."""
    iris = Iris(context.new_page(), endpoint.service)
    iris.opens(endpoint.url)
    return iris
