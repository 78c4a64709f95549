"""Where the pages point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Page, pages

PAGES = pages()
MAX_PICTURE_BYTES = 150_000
_LINK = re.compile(r"\[[^\]\[]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?^ *```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(r"`((?:[\w.-]+/)+(?:[\w.-]+\.(?:py|md|sql|toml|txt|graphql))?)`")
_DRAWN = re.compile(r"(?:[\w-]+/)+\w+\.py")


def name_of(page: Page) -> str:
    return page.name


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to headings."""
    headings = _HEADING.findall(re.sub(r"```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Page) -> None:
    """To a file of the repository and a heading in it; to other hosts by https alone."""
    here = ROOT / page.name
    for target in _LINK.findall(_CODE.sub("", page.text)):
        if "://" in target:
            assert target.startswith("https://"), target
            continue
        path, _, anchor = target.partition("#")
        file = (here.parent / path).resolve() if path else here
        assert file.exists(), f"{page.name}: {target}"
        assert file.is_relative_to(ROOT), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_are_there(page: Page) -> None:
    """From the root of the repository, from the code, or from the page's own folder."""
    starts = (ROOT, ROOT / "src", ROOT / "src" / "gatepass", (ROOT / page.name).parent)
    drawn = [path for block in page.blocks if block.mark == "a picture" for path in _DRAWN.findall(block.text)]
    named = [path for path in [*_PATH.findall(page.text), *drawn] if not path.startswith(("/", "-"))]
    assert [path for path in named if not any((start / path).exists() for start in starts)] == []


def test_the_index_leads_to_every_page() -> None:
    """Decisions have an index of their own."""
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target.partition("#")[0]).resolve() for target in _LINK.findall(index.read_text("utf-8"))}
    own = {ROOT / page.name for page in PAGES if page.name.startswith("docs/")}
    missing = own - linked - {index} - set((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert sorted(path.name for path in missing) == []


def test_pictures_are_small() -> None:
    """They are on the first screen."""
    pictures = [*(ROOT / "docs").rglob("*.png")]
    assert [picture.name for picture in pictures if picture.stat().st_size > MAX_PICTURE_BYTES] == []
    assert Path(ROOT / "docs" / "img" / "ide.png") in pictures
