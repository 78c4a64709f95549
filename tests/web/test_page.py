"""The page and its files as the application sends them."""

import gzip
import re
from pathlib import Path

import pytest

import gatepass.web
from gatepass.http.security_headers import EVERY_ANSWER
from gatepass.web import PlainPage, WebFile, asset_name

STATIC = Path(gatepass.web.__file__).parent / "static"


@pytest.fixture(scope="module")
def ide() -> PlainPage:
    return PlainPage()


def assets(ide: PlainPage, accept_encoding: bytes | None = None) -> dict[str, WebFile]:
    names = [name.decode() for name in re.findall(rb'\?ide=([^"]+)', ide.page().body)]
    found = {name: ide.asset(name, accept_encoding) for name in names}
    return {name: asset for name, asset in found.items() if asset}


def test_the_page_forbids_everything_that_is_not_its_own(ide: PlainPage) -> None:
    headers = dict(ide.page().headers)
    assert headers[b"content-security-policy"] == (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        b"require-trusted-types-for 'script'; trusted-types 'none'"
    )
    assert headers[b"content-type"] == b"text/html; charset=utf-8"
    assert (b"cross-origin-opener-policy", b"same-origin") in EVERY_ANSWER
    assert headers[b"x-frame-options"] == b"DENY"


def test_no_cache_keeps_the_page_because_its_address_also_answers_json(ide: PlainPage) -> None:
    headers = dict(ide.page().headers)
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"vary"] == b"accept, accept-encoding"


def test_header_names_are_lower_case_and_occur_once(ide: PlainPage) -> None:
    for file in (ide.page(), *assets(ide).values()):
        names = [name for name, _ in file.headers]
        assert names == [name.lower() for name in names]
        assert len(names) == len(set(names))


def test_the_page_has_no_inline_script_style_or_handler(ide: PlainPage) -> None:
    html = ide.page().body.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)
    assert re.findall(r"<script[^>]*>([^<]*)</script>", html) == [""]
    assert not re.search(r"(?:src|href|action)=\"(?!\?ide=|#)", html)


def test_everything_the_page_refers_to_is_there_and_may_be_kept_for_ever(ide: PlainPage) -> None:
    found = assets(ide)
    assert sorted(re.sub(r"\.[0-9a-f]{16}\.", ".", name) for name in found) == ["favicon.svg", "ide.css", "ide.js"]
    for asset in found.values():
        assert dict(asset.headers)[b"cache-control"] == b"public, max-age=31536000, immutable"


def test_gzip_carries_the_same_bytes(ide: PlainPage) -> None:
    zipped = assets(ide, b"gzip")
    for name, asset in assets(ide).items():
        assert dict(zipped[name].headers)[b"content-encoding"] == b"gzip"
        assert gzip.decompress(zipped[name].body) == asset.body
    assert gzip.decompress(ide.page(b"gzip").body) == ide.page().body


def test_the_page_stays_light(ide: PlainPage) -> None:
    """30 kB compressed in all: it loads at once on any line."""
    files = [ide.page(b"gzip"), *assets(ide, b"gzip").values()]
    assert sum(len(file.body) for file in files) <= 30_000


@pytest.mark.parametrize(
    "name", ["", "ide.js", "ide.0000000000000000.js", "../page.py", "session.js", "ide.html", "\x00"]
)
def test_any_other_name_is_not_found(ide: PlainPage, name: str) -> None:
    assert ide.asset(name) is None


@pytest.mark.parametrize(
    ("query_string", "name"),
    [
        (b"", None),
        (b"query=%7Bhello%7D", None),
        (b"ide=", None),
        (b"ide=ide.0.js", "ide.0.js"),
        (b"v=2&ide=ide.0.js", "ide.0.js"),
        (b"\xff\xfe&ide=%ff", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_an_asset_is_asked_for_by_a_query_of_the_endpoint(query_string: bytes, name: str | None) -> None:
    assert asset_name(query_string) == name


@pytest.mark.parametrize("source", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_no_script_parses_markup_or_evaluates_text_and_one_alone_keeps_anything(source: Path) -> None:
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write"
    code = r"\beval\b|new Function"
    memory = r"indexedDB|caches|cookie|pushState|replaceState"
    storage = "(?!)" if source.name == "kept.js" else "localStorage|sessionStorage"
    assert not re.search(f"{markup}|{code}|{memory}|{storage}", uncommented(source.read_text()))


def uncommented(script: str) -> str:
    """Without the comments that say where something is kept."""
    return re.sub(r"^ *(?:/\*\*| \*).*$", "", script, flags=re.MULTILINE)


def test_for_ever_is_kept_what_has_the_form_of_a_device_hint_and_nothing_else() -> None:
    """The browser's tests see it happen; here it is the one line that may."""
    lines = [line for line in (STATIC / "kept.js").read_text().splitlines() if "localStorage.setItem" in line]
    assert len(lines) == 1
    assert "HINT.test(hint)) localStorage.setItem(HINT_KEY, hint)" in lines[0]
