"""
From opening a page of the IDE to the first letter typed in its editor, and what that sends over the wire.

Every visit is a first one: a new profile of a real Chromium, its cache empty, on `gatepass serve` over loopback. Beside
it opens a page that is nothing but a field to type in and as many bytes of script, all of it comment: what the browser
and this way of measuring take by themselves. The clock stops when the letter stands in the editor.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, Response, sync_playwright

from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.installation import installation
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.processes import ROOT, echo_server
from benchmarks.harness.report import Goal, Report
from gatepass.web import GraphiqlPage
from tests.kit.browser import ADVICE, ARGUMENTS, chromium

VISITS, ANSWER_BYTES, SETTLING_SECONDS = 12, 400, 3
REACH_SECONDS, REACH_GRAPHIQL_MB, REACH_PLAIN_KB = 1.5, 2.2, 30.0
LETTER: Final = "Z"
_PAGES: Final = ("GraphiQL", "the plain page")
_LIMIT: Final = "as many bytes as "
_FIELD: Final = "#query"
_PAGE: Final = '<!doctype html><title>x</title><textarea id="query"></textarea><button id="run" disabled>Run</button>'
_IS_SEEN: Final = """([place, letter]) => {
  const found = document.querySelector(place);
  return (found.value ?? found.textContent).includes(letter);
}"""
_SCRIPT_END: Final = "\nquery.value = ''; run.disabled = false;"


@dataclass(frozen=True)
class Side:
    """A page; `editor` is where one types, `run` the button that is live when it is ready."""

    name: str
    url: str
    editor: str = _FIELD
    run: str = "#run"


@dataclass(frozen=True)
class Weight:
    """Bytes of all bodies of a first visit: as they came, and where there is no Brotli."""

    wire: int
    gzipped: int


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    GraphiqlPage()
    path = chromium()
    if not path:
        raise RuntimeError(f"this {ADVICE}")
    with ExitStack() as stack:
        made = stack.enter_context(installation())
        upstream = stack.enter_context(echo_server(ANSWER_BYTES, has_schema=True))
        gatepass = stack.enter_context(made.serve(f"http://127.0.0.1:{upstream.port}/graphql"))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        stack.callback(browser.close)
        address = f"http://127.0.0.1:{gatepass.port}/graphql/"
        graphiql = Side("GraphiQL", address, ".graphiql-query-editor .view-lines", ".graphiql-execute-button")
        plain = Side("the plain page", f"{address}?plain")
        ours = {side.name: side for side in (graphiql, plain)}
        weights = {name: _weigh(browser, side) for name, side in ours.items()}
        limits = [Side(_LIMIT + name, stack.enter_context(_static(it.wire))) for name, it in weights.items()]
        sides = [*ours.values(), *limits]
        seconds: dict[str, list[float]] = {side.name: [] for side in sides}
        for side in pace.turns(sides, VISITS):
            with browser.new_context() as context:
                seconds[side.name].append(_visit(context.new_page(), side))
        return _report(seconds, weights)


def _visit(page: Page, side: Side) -> float:
    """Open the page, type a letter, and see it: the seconds it took."""
    started = time.perf_counter()
    page.goto(side.url, wait_until="commit")
    page.wait_for_selector(f"{side.run}:not([disabled])")
    page.locator(side.editor).click()
    page.keyboard.type(LETTER)
    page.wait_for_function(_IS_SEEN, arg=[side.editor, LETTER], polling="raf")
    return time.perf_counter() - started


def _weigh(browser: Browser, side: Side) -> Weight:
    """A visit that waits for all that the page asks for, workers and the schema of before the sign-in included."""
    sizes: dict[tuple[str, str], int] = {}

    def keep(got: Response) -> None:
        sizes[got.request.method, got.url] = int(got.headers.get("content-length", 0))

    with browser.new_context() as context:
        page = context.new_page()
        page.on("response", keep)
        _visit(page, side)
        page.wait_for_timeout(1000 * SETTLING_SECONDS)
    # Brotli is for HTTPS and for loopback; elsewhere on plain HTTP a browser takes gzip.
    gzipped = sum(_gzipped(url) if "?ide=" in url else size for (_, url), size in sizes.items())
    return Weight(sum(sizes.values()), gzipped)


def _gzipped(url: str) -> int:
    asked = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(asked) as answer:
        return len(answer.read())


@contextmanager
def _static(size: int) -> Iterator[str]:
    """Serve a field to type in, and a script of about `size` bytes, all of it comment that no coding makes smaller."""
    noise = base64.b64encode(os.urandom(size))[:size].decode()
    bodies = {
        "/": (_PAGE + '<script src="/x.js"></script>', "text/html"),
        "/x.js": (f"//{noise}{_SCRIPT_END}", "text/javascript"),
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body, media_type = bodies.get(self.path, ("", "text/plain"))
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def _wheel() -> tuple[float, float]:
    """Megabytes of the wheel, and of the GraphiQL page in it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
        environ = {**os.environ, "GATEPASS_IDE_BUILD": "skip"}
        subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as inside:
            page = sum(entry.compress_size for entry in inside.infolist() if "/web/built/" in entry.filename)
        return wheel.stat().st_size / 1e6, page / 1e6


def _report(seconds: dict[str, list[float]], weights: dict[str, Weight]) -> Report:
    wheel, page = _wheel()
    figures = {name: Figure.of(values) for name, values in seconds.items()}
    rows = [(f"{name}, s", *_shown(it, 2)) for name, it in figures.items()]
    ratios = {name: ratio(seconds[name], seconds[_LIMIT + name]) for name in _PAGES}
    rows += [(f"{name} ÷ as many bytes", *_shown(it, 1)) for name, it in ratios.items()]
    rows += [(f"{name}, kB over the wire", f"{it.wire / 1e3:,.1f}", "") for name, it in weights.items()]
    rows += [(f"{name}, kB without Brotli", f"{it.gzipped / 1e3:,.1f}", "") for name, it in weights.items()]
    rows += [("wheel, MB", f"{wheel:.2f}", ""), ("GraphiQL in it, MB", f"{page:.2f}", "")]
    graphiql, plain = _PAGES
    megabytes, kilobytes = _once(weights[graphiql].wire / 1e6), _once(weights[plain].wire / 1e3)
    return Report(
        name="ide_open",
        title="From opening the page to the first letter in its editor",
        setting=(
            f"Headless Chromium on `gatepass serve` over loopback, {len(seconds[graphiql])} first visits of each page "
            "in turn, every one in a new profile with an empty cache. The clock runs from the address to a typed "
            "letter that stands in the editor, with the waits of the program that types. Beside each page one from a "
            "plain file server that is a field and as many bytes of comment. Bytes are those of bodies, workers and "
            "the schema of before the sign-in included."
        ),
        columns=("", "median", "range"),
        rows=rows,
        goals=[
            Goal("GraphiQL, to a usable editor", figures[graphiql], REACH_SECONDS, at_most=True, unit=" s"),
            Goal("plain page, to a usable editor", figures[plain], REACH_SECONDS, at_most=True, unit=" s"),
            Goal("GraphiQL over the wire", megabytes, REACH_GRAPHIQL_MB, at_most=True, unit=" MB"),
            Goal("plain page over the wire", kilobytes, REACH_PLAIN_KB, at_most=True, unit=" kB"),
        ],
        bars=[Bar(name, it.value, is_peer=name.startswith(_LIMIT)) for name, it in figures.items()],
        mark=Mark(f"{REACH_SECONDS:g} s", REACH_SECONDS),
        unit="s",
    )


def _shown(figure: Figure, digits: int) -> tuple[str, str]:
    value, least, most = (f"{each:.{digits}f}" for each in (figure.value, figure.least, figure.most))
    return value, f"{least} to {most}"


def _once(value: float) -> Figure:
    return Figure(value, value, value)
