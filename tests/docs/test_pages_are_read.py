"""What finds the blocks, and compares what a page shows with what there was."""

from __future__ import annotations

import pytest

from tests.docs.matching import json_matches, text_matches
from tests.docs.pages import read_page


def test_marks_outputs_and_indents_are_seen() -> None:
    """The comment in the line before is the mark; text right behind a run block is its output, and else its own."""
    page = read_page(
        "page.md",
        "Text\n\n<!-- in the background -->\n```sh\nserve\n```\n\n```text\nlistening\n```\n\nAnd\n\n"
        "- item\n\n  ```sh\n  ls\n  ```\n\nThen\n\n```json\n{}\n```\n",
    )
    assert [(block.language, block.text, block.mark) for block in page.blocks] == [
        ("sh", "serve", "in the background"),
        ("sh", "ls", ""),
        ("json", "{}", ""),
    ]
    assert [block.output and block.output.text for block in page.blocks] == ["listening", None, None]
    assert page.blocks[0].name == "page.md:4"


def test_a_block_without_end_is_a_mistake() -> None:
    """Otherwise all that follows would be taken for code."""
    with pytest.raises(ValueError, match=r"page\.md:1"):
        read_page("page.md", "```sh\nls\n")


@pytest.mark.parametrize(
    ("shown", "seen", "matches"),
    [
        ("made …/gatepass.db", "made /tmp/x/gatepass.db\n", True),
        ("one  \ntwo", "one\ntwo  \n", True),
        ("…\nlast", "first\nsecond\nlast", True),
        ("a.c", "abc", False),
        ("first", "first\nsecond", False),
    ],
)
def test_text_is_compared_line_by_line(shown: str, seen: str, matches: bool) -> None:
    """Dots stand for anything, line breaks too; nothing else is a pattern."""
    assert text_matches(shown, seen) is matches


@pytest.mark.parametrize(
    ("shown", "seen", "matches"),
    [
        ('{"a": "eyJ…"}', '{"a":"eyJhbGci"}', True),
        ('{"a": "…", "b": [1, "…"]}', '{"b":[1,null],"a":{"c":2}}', True),
        ('{"a": 1}', '{"a":1,"b":2}', False),
        ('{"a": 1}', '{"a":true}', False),
        ('{"a": "gpr_…"}', '{"a":"gps_x"}', False),
        ('{"a": 1}', "a: 1", False),
    ],
)
def test_json_is_compared_by_value(shown: str, seen: str, matches: bool) -> None:
    """How it is laid out does not matter; what is left out must be shown as left out."""
    assert json_matches(shown, seen) is matches
