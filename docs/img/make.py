"""The picture of the README: the demo's page, signed in, with an answer. `python -m docs.img.make` takes it anew."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, expect, sync_playwright

from gatepass.web import GraphiqlPage
from tests.kit.browser import ADVICE, ARGUMENTS, chromium

PICTURE: Final = Path(__file__).with_name("ide.png")
ADDRESS: Final = "http://127.0.0.1:8000/graphql/"
EMAIL: Final = "reader@example.org"
QUERY: Final = """\
query RedFlags {
  companies(
    where: {
      health_rating: { eq: TWO_RED_FLAGS }
    }
    orderBy: {
      field: TURNOVER
      direction: DESC
    }
    first: 3
  ) {
    totalCount
    items {
      company_number
      company_name
      town
      accounts(first: 1) {
        year
        turnover
        profit
      }
    }
  }
}
"""
_WIDTH, _HEIGHT = 1280, 760
_MODEL: Final = "__MONACO.editor.getModels().find(each => /{}\\.(graphql|json)$/.test(each.uri.path))"
expect.set_options(timeout=30_000)


def take(picture: Path) -> None:
    """
    Take the picture.

    Raises:
        RuntimeError: there is no Chromium, or the password is to be seen.
        NotBuiltError: this installation has no GraphiQL page.
    """
    GraphiqlPage()
    path = chromium()
    if not path:
        raise RuntimeError(f"this {ADVICE}")
    with _demo() as (port, password), sync_playwright() as playwright:
        # The demo listens wherever there is room, and the picture has its usual address.
        arguments = [*ARGUMENTS, f"--host-resolver-rules=MAP 127.0.0.1:8000 127.0.0.1:{port}"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme="light")
        _sign_in_and_ask(page, password)
        if password in page.content() or password in page.evaluate("document.body.innerText"):
            raise RuntimeError("the password can be seen on the page")
        page.screenshot(path=picture)
        browser.close()


def _sign_in_and_ask(page: Page, password: str) -> None:
    page.goto(ADDRESS)
    page.get_by_label("E-mail address", exact=True).fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Signed in")).to_be_visible()
    # The example after sign-in is in place; a query of ours goes over it as a paste would.
    page.wait_for_function(f"() => {_MODEL.format('operation')}.getValue().startsWith('# The first fields')")
    page.evaluate(f"query => {_MODEL.format('operation')}.setValue(query)", QUERY)
    page.wait_for_function("() => document.querySelector('.graphiql-tab-button').textContent === 'RedFlags'")
    page.get_by_role("button", name="Execute query").click()
    page.wait_for_function(f"() => {_MODEL.format('response')}.getValue().includes('company_name')")
    page.mouse.move(_WIDTH / 2, _HEIGHT - 4)
    page.wait_for_timeout(1_000)


@contextmanager
def _demo() -> Iterator[tuple[int, str]]:
    """A demo on a free port: the port, and the reader's password."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "gatepass.cli", "demo", "--port", str(port)]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as demo:
        try:
            said = ""
            while demo.stdout and "Ctrl-C stops it" not in said and (line := demo.stdout.readline()):
                said += line
            found = re.search(rf"{re.escape(EMAIL)} +(\S+)", said)
            if found is None:
                raise RuntimeError(f"the demo did not start: {said}")
            yield port, found[1]
        finally:
            demo.terminate()


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
