"""Actors for tests of the page: a fake endpoint, Debian's Chromium, and Ana who sits before it."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from gatepass.web import Page as WebPage
from tests.kit.browser import ADVICE, ARGUMENTS, chromium
from tests.web.fake_endpoint import EMAIL, PASSWORD, Endpoint, Service

expect.set_options(timeout=8_000)


class Ana:
    """A person at one browser tab."""

    def __init__(self, page: Page, service: Service) -> None:
        self.page, self.service = page, service

    def opens(self, url: str) -> None:
        self.page.goto(url)
        expect(self.run_button).to_be_enabled()

    def signs_in(self, password: str = PASSWORD) -> None:
        self.page.get_by_label("E-mail address", exact=True).fill(EMAIL)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.keyboard.press("Enter")

    def is_signed_in(self) -> None:
        """Signed in and at rest: the page has put its example into the editor, if that was free."""
        expect(self.page.get_by_role("heading", name="Signed in")).to_be_visible()
        expect(self.page.get_by_role("button", name="Copy header")).to_be_enabled()
        expect(self.editor).to_have_value(re.compile("^(?!# Sign in with)."))

    def is_signed_out(self) -> None:
        expect(self.page.get_by_label("Password", exact=True)).to_be_visible()

    def runs(self, query: str) -> None:
        self.editor.fill(query)
        self.editor.press("Control+Enter")

    def reads(self, text: str) -> None:
        expect(self.result).to_contain_text(text)

    @property
    def editor(self) -> Locator:
        return self.page.get_by_label("GraphQL document")

    @property
    def result(self) -> Locator:
        return self.page.get_by_role("region", name="Result")

    @property
    def status(self) -> Locator:
        return self.page.locator("#status")

    @property
    def run_button(self) -> Locator:
        return self.page.get_by_role("button", name="Run", exact=False)

    def presses(self, button: str) -> None:
        self.page.get_by_role("button", name=button).click()

    def stored(self) -> dict[str, dict[str, str]]:
        stores: dict[str, dict[str, str]] = self.page.evaluate(
            "({ session: { ...sessionStorage }, local: { ...localStorage } })"
        )
        return stores


class Tab(Protocol):
    """What Ana and Iris have alike."""

    page: Page
    service: Service

    def __init__(self, page: Page, service: Service) -> None: ...
    def opens(self, url: str) -> None: ...
    def signs_in(self) -> None: ...
    def is_signed_in(self) -> None: ...


T = TypeVar("T", bound=Tab)


def signed_in_by_a_clock_of_ours(who: type[T], context: BrowserContext, endpoint: Endpoint) -> T:
    tab = who(context.new_page(), endpoint.service)
    tab.page.clock.install()
    tab.opens(endpoint.url)
    tab.signs_in()
    tab.is_signed_in()
    return tab


def wait_until(tab: Tab, holds: Callable[[], bool]) -> None:
    for _ in range(160):
        if holds():
            return
        tab.page.wait_for_timeout(50)
    raise AssertionError(f"in vain; the endpoint saw {tab.service.calls}")


def first_token_expires(tab: Tab) -> None:
    """An hour passes on a clock of ours: the page renews after four fifths of it, then its first token ends."""
    tab.page.clock.fast_forward("48:01")
    expect(tab.page.get_by_role("timer")).to_have_text(re.compile(r"^(1:00:00|59:\d\d)$"))
    tab.page.clock.fast_forward("12:00")
    tab.service.expire_all_but_the_newest()


@contextmanager
def serving(page: WebPage | None = None) -> Iterator[Endpoint]:
    server = Endpoint(page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving() as endpoint:
        yield endpoint


@pytest.fixture
def service(endpoint: Endpoint) -> Service:
    return endpoint.service


NOBODY_ELSE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
"""Any other host is out of reach; `profile` finds out who asked for one."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser per module: playwright's loop must be gone before asynchronous tests of other modules run."""
    path = chromium()
    if not path:
        pytest.skip(ADVICE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, NOBODY_ELSE])
        yield browser
        browser.close()


@contextmanager
def profile(browser: Browser, endpoint: Endpoint) -> Iterator[BrowserContext]:
    """A fresh profile; its end asserts that the page asked only its own server and broke no rule of its policy."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(8_000)
    asked: set[str] = set()
    complaints: list[str] = []
    context.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda message: complaints.append(message.text))
    yield context
    context.close()
    assert asked <= {urlsplit(endpoint.url).netloc}
    # The browser itself reports answers such as 401 on the console.
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []


@pytest.fixture
def context(browser: Browser, endpoint: Endpoint) -> Iterator[BrowserContext]:
    with profile(browser, endpoint) as context:
        yield context


@pytest.fixture
def ana(context: BrowserContext, endpoint: Endpoint) -> Ana:
    ana = Ana(context.new_page(), endpoint.service)
    ana.opens(endpoint.url)
    return ana
