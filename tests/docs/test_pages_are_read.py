"""What finds the blocks, follows them, and compares what a page shows with what there was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.matching import json_matches, text_matches
from tests.docs.pages import read_page
from tests.docs.reader import Reader


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


SESSION = """\
```sh
NAME=Ana
hello() { echo Hello $1; }
```

```sh
hello $NAME | tee said
```

```text
Hello Ana
```

<!-- file say.py -->
```python
print(1)
```

```sh
python3 say.py
cat said
```

```text
1
Hello Ana
```
"""


def follow(text: str, folder: Path) -> None:
    page = read_page("page.md", text)
    reader = Reader(page, folder)
    try:
        for block in page.blocks:
            reader.does(block)
    finally:
        reader.leaves()


def test_blocks_of_a_page_are_one_session(tmp_path: Path) -> None:
    """Variables, functions and files of one block are there in the next."""
    follow(SESSION, tmp_path)


def test_a_password_is_typed_when_it_is_asked_for(tmp_path: Path) -> None:
    """On a terminal, as often as that happens; it is not shown."""
    ask = "import getpass, sys; print(getpass.getpass() == getpass.getpass('Once more: '), sys.stdin.isatty())"
    follow(
        f'<!-- asks for the password open sesame -->\n```sh\npython3 -c "{ask}"\n```\n\n```text\nTrue True\n```\n',
        tmp_path,
    )


@pytest.mark.parametrize(
    "text",
    [
        "```sh\necho one\n```\n\n```text\ntwo\n```\n",
        "```sh\necho '{}'\n```\n\n```json\n[]\n```\n",
        "```sh\nfalse\necho\n```\n",
        "```sh\nfalse | cat\n```\n",
        "```sh\necho $UNSET_NAME\n```\n",
        "```python\nunknown\n```\n",
        "<!-- given app -->\n```python\nassert app is None\n```\n",
        "<!-- in the background -->\n```sh\ngatepass serve --upstream nonsense\n```\n",
    ],
)
def test_what_does_not_work_is_noticed(text: str, tmp_path: Path) -> None:
    """Another output, an exit code, an unset variable, a server that does not come up."""
    with pytest.raises(AssertionError):
        follow(text, tmp_path)
