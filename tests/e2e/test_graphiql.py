"""A person with a browser and GraphiQL on the real endpoint: short tokens, restarts, and a TLS proxy before it."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.docs.test_pages import make_certificate
from tests.e2e.conftest import EMAIL, PLAIN_PASSWORD, Site, site_before
from tests.kit.processes import free_port, running, waits_for_port
from tests.web import conftest as pages
from tests.web.fake_endpoint import Service
from tests.web.graphiql import Iris, graphiql_page

browser = pages.browser  # the same Chromium as for the tests of the page alone

QUERY = 'query One { companies(where: {company_number: {eq: "GP000042"}}) { items { company_name } } }'
SHORT = {"GATEPASS_ACCESS_TTL_SECONDS": "5"}
NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/pid;
error_log stderr warn;
events {{}}
http {{
access_log off;
client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
server {{
  listen 127.0.0.1:{port} ssl;
  ssl_certificate {folder}/fullchain.pem;
  ssl_certificate_key {folder}/privkey.pem;
  location /team/api/ {{ proxy_pass {upstream}/; proxy_http_version 1.1; }}
}}
}}
"""


@contextmanager
def visiting(browser: Browser, address: str) -> Iterator[Iris]:
    """Open the page; its end asserts that nothing else was asked for and no policy broken."""
    graphiql_page()
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(20_000)
    complaints: list[str] = []
    asked: set[str] = set()
    context.on("console", lambda message: complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("request", lambda sent: asked.add(urlsplit(sent.url).netloc))
    iris = Iris(context.new_page(), Service())
    iris.opens(address)
    yield iris
    context.close()
    assert asked == {urlsplit(address).netloc}
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []


def signs_in(iris: Iris) -> None:
    iris.page.get_by_label("E-mail address", exact=True).fill(EMAIL)
    iris.page.get_by_label("Password", exact=True).fill(PLAIN_PASSWORD)
    iris.page.keyboard.press("Enter")
    iris.is_signed_in()


def test_a_sign_in_lasts_over_many_tokens_a_reload_and_a_stream_until_the_sign_out(
    browser: Browser, tmp_path: Path, register: str
) -> None:
    """Access tokens of five seconds: whatever takes longer went on with a renewed one."""
    with site_before(register, tmp_path / "gatepass", **SHORT) as site, visiting(browser, site.address) as iris:
        signs_in(iris)
        iris.runs("subscription Health { healthChanged(interval_seconds: 0.2) { company_number } }")
        expect(iris.status).to_contain_text("Streaming")
        iris.page.wait_for_timeout(7_000)
        before = iris.status.inner_text()
        assert before.startswith("Streaming")
        expect(iris.status).not_to_have_text(before)
        iris.presses("Stop query")
        iris.page.reload()
        iris.sees_the_editor()
        iris.is_signed_in()
        expect(iris.page.locator(".pass .account")).to_have_text(EMAIL)
        iris.runs(QUERY)
        iris.reads("Hopscotch Puddle Pumps")
        iris.presses("Sign out")
        iris.is_signed_out()
        iris.runs(QUERY)
        iris.reads("UNAUTHENTICATED")
        expect(iris.page.locator(".answer").get_by_role("button", name="Sign in")).to_be_visible()


def test_a_server_that_was_killed_and_started_again_finds_her_signed_in(
    browser: Browser, site: Site, register: str
) -> None:
    port = str(free_port())
    command = ("serve", "--upstream", register, "--port", port)
    with running(*command, environ=site.environ) as first:
        first.says('"listening"', on="err")
        with visiting(browser, f"http://127.0.0.1:{port}/graphql/") as iris:
            signs_in(iris)
            iris.runs(QUERY)
            iris.reads("Hopscotch Puddle Pumps")
            first.gets(signal.SIGKILL)
            first.ends()
            iris.runs(QUERY)
            iris.reads("The server cannot be reached.")
            with running(*command, environ=site.environ) as second:
                second.says('"listening"', on="err")
                iris.runs(QUERY)
                iris.reads("Hopscotch Puddle Pumps")
                iris.presses("Renew now")
                expect(iris.page.get_by_text("Renewed.")).to_be_visible()


def test_she_sees_her_other_sign_ins_and_ends_one(browser: Browser, site: Site) -> None:
    with visiting(browser, site.address) as elsewhere, visiting(browser, site.address) as iris:
        signs_in(elsewhere)
        signs_in(iris)
        sessions = iris.page.get_by_role("region", name="Sign-ins of this account")
        expect(sessions.get_by_role("listitem")).to_have_count(2)
        expect(sessions.get_by_text("this one")).to_have_count(1)
        sessions.get_by_role("button", name=re.compile("^End the sign-in of")).click()
        expect(sessions.get_by_role("listitem")).to_have_count(1)
        elsewhere.runs(QUERY)
        expect(elsewhere.problem("Your sign-in has ended")).to_be_visible()


def test_the_docs_are_the_sign_in_schema_before_and_the_merged_one_after(browser: Browser, site: Site) -> None:
    with visiting(browser, site.address) as iris:
        iris.presses("Show Documentation Explorer")
        docs = iris.page.locator(".graphiql-doc-explorer")
        docs.get_by_role("link", name="Query").click()
        expect(docs).not_to_contain_text("companies")
        iris.presses("Show Sign-in")
        signs_in(iris)
        iris.presses("Show Documentation Explorer")
        expect(docs).to_contain_text("companies")


@pytest.mark.skipif(not shutil.which("nginx"), reason="needs nginx: `apt-get install nginx-light`")
def test_it_works_below_a_path_behind_a_tls_proxy(browser: Browser, site: Site, tmp_path: Path) -> None:
    """Both pages; only the way there is another."""
    port = free_port()
    make_certificate(tmp_path)
    user = "user root;" if tmp_path.owner() == "root" else ""
    upstream = site.address.removesuffix("/graphql/")
    (tmp_path / "nginx.conf").write_text(NGINX.format(folder=tmp_path, port=port, upstream=upstream, user=user))
    nginx = subprocess.Popen(["nginx", "-e", "stderr", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")])
    try:
        waits_for_port(port)
        with visiting(browser, f"https://127.0.0.1:{port}/team/api/graphql/") as iris:
            signs_in(iris)
            iris.runs(QUERY)
            iris.reads("Hopscotch Puddle Pumps")
            iris.runs("subscription Health { healthChanged(interval_seconds: 0.05, first: 2) { company_number } }")
            expect(iris.status).to_have_text("Complete · 2 events")
            iris.page.reload()
            iris.sees_the_editor()
            iris.is_signed_in()
            iris.page.get_by_role("link", name="The plain page").click()
            expect(iris.page).to_have_url(f"https://127.0.0.1:{port}/team/api/graphql/?plain")
            expect(iris.page.get_by_role("heading", name="Signed in")).to_be_visible()
    finally:
        nginx.terminate()
        nginx.wait(10)
