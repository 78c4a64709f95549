"""The generated pages are what the code says now; `python -m docs.reference.make` renews them."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from docs.reference import make
from gatepass.web import building
from tests.docs.pages import ROOT
from tests.kit.browser import ADVICE, chromium


@pytest.mark.parametrize("name", make.pages())
def test_the_page_is_up_to_date(name: str) -> None:
    """So that a change of an error, of the schema or of a public name shows in review."""
    assert (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") == make.pages()[name]


def test_only_what_is_listed_can_come_with_retry_after() -> None:
    """The table says which errors have the header."""
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "src" / "gatepass").rglob("*.py")}
    given = {
        kind
        for source in sources.values()
        for kind in re.findall(r"(\w+)\((?:[^()]|\([^()]*\))*retry_after_seconds=", source)
    } - {"UpstreamFailed", "__init__", "TooManyRequests", "BodiesTooLarge"}
    assert {re.sub(r"(?<!^)(?=[A-Z])", "_", kind).upper() for kind in given} <= set(make.MAY_WAIT)


def test_no_translation_is_stale(tmp_path: Path) -> None:
    """What is put in place of the code's own names is still found in it."""
    errors = (ROOT / "src" / "gatepass" / "domain" / "errors.py").read_text(encoding="utf-8")
    refusals = (ROOT / "src" / "gatepass" / "http" / "refusals.py").read_text(encoding="utf-8")
    assert all(ours in errors + refusals for ours in make.ON_THE_WIRE)
    make.renew(tmp_path)
    assert not [word for word in ("`presented`", "retry_after_seconds") if word in (tmp_path / "errors.md").read_text()]


def test_the_picture_can_be_taken_anew(tmp_path: Path) -> None:
    """Of the demo, with the browser that is here; the script itself looks that no password is on it."""
    if not chromium():
        pytest.skip(ADVICE)
    if not building.is_built():
        pytest.skip("needs the GraphiQL page of these sources: `gatepass ide build`")
    command = [sys.executable, "-m", "docs.img.make", str(tmp_path / "ide.png")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=90)
    taken, kept = (tmp_path / "ide.png").read_bytes(), (ROOT / "docs" / "img" / "ide.png").read_bytes()
    assert size_of(taken) == size_of(kept)


def size_of(png: bytes) -> tuple[int, ...]:
    """Width and height (PNG specification, IHDR)."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])
