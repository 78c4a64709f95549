"""Both pages in a browser that lets no site keep anything: no storages and no Web Locks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from gatepass.web import PlainPage
from tests.kit.browser import ARGUMENTS, chromium
from tests.web.conftest import Ana, serving, wait_until
from tests.web.fake_endpoint import Endpoint
from tests.web.graphiql import Iris, graphiql_page

BLOCKED = 2


@pytest.fixture
def endpoint(page: str) -> Iterator[Endpoint]:
    with serving(graphiql_page() if page == "GraphiQL" else PlainPage()) as endpoint:
        yield endpoint


@pytest.fixture
def context(browser: Browser, tmp_path: Path) -> Iterator[BrowserContext]:
    """What the switch "Block all cookies" does; its end asserts that no page stumbled over it."""
    (tmp_path / "Default").mkdir()
    settings = {"profile": {"default_content_setting_values": {"cookies": BLOCKED}}}
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(settings))
    context = browser.browser_type.launch_persistent_context(tmp_path, executable_path=chromium(), args=ARGUMENTS)
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda message: complaints.append(message.text))
    yield context
    context.close()
    assert complaints == []


@pytest.mark.parametrize("page", ["GraphiQL", "plain"])
def test_a_sign_in_is_renewed_though_the_browser_keeps_nothing(
    context: BrowserContext, endpoint: Endpoint, page: str
) -> None:
    """A reload finds it no more; that is all that is lost."""
    person: Ana | Iris = (Iris if page == "GraphiQL" else Ana)(context.new_page(), endpoint.service)
    person.opens(endpoint.url)
    with pytest.raises(Exception, match="Access is denied"):
        person.page.evaluate("sessionStorage.length")
    person.signs_in()
    person.is_signed_in()
    person.presses("Renew now")
    expect(person.page.get_by_text("Renewed.")).to_be_visible()
    assert person.service.count("signInRefresh") == 1
    person.runs("{ hello }")
    person.reads("Hello, you!")
    person.presses("Sign out")
    person.is_signed_out()
    wait_until(person, lambda: not person.service.live_refresh_tokens)
    person.page.reload()
    person.is_signed_out()
