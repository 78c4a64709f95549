"""The pages of the documentation, and the code blocks in them with what their marks ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import docs.reference.make
import gatepass.cli.reference

ROOT: Final = Path(__file__).parents[2]
GENERATED: Final = frozenset({*docs.reference.make.pages(), *gatepass.cli.reference.pages()})
"""File names in docs/reference that tests of their own hold to the code."""

_FENCE: Final = re.compile(r"( *)```(.*)")
_COMMENT: Final = re.compile(r" *<!-- (.+) -->")


@dataclass(frozen=True, slots=True)
class Block:
    """
    A fenced code block.

    A mark is the comment in the line before it:

    - `in the background`: a server; it is started and runs until the page is done;
    - `with the server stopped`: the one on the usual port is stopped before, as the page says in words;
    - `asks for the password P`: run on a terminal, where P is typed as often as it is asked for;
    - `file NAME`: saved under that name in the working folder, not run; for blocks of any kind;
    - `needs PROGRAM`: left out where there is no such program;
    - `a job with NAME=VALUE`: YAML of a CI or of containers; its scripts are run, with that secret;
    - `given app`: the name `app` is there already, an ASGI GraphQL application;
    - `a picture`: a drawing in text.

    `output` is the block of kind text or json that follows with nothing between: what the reader shall see.
    """

    page: str
    line: int
    language: str
    text: str
    mark: str = ""
    output: Block | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """For the names of tests."""
        return f"{self.page}:{self.line}"

    @property
    def is_done(self) -> bool:
        """Whether who follows the page does something with it: runs it, or saves it."""
        return self.language in ("sh", "python", "sql") or self.mark.startswith(("file ", "a job with "))

    def marked(self, mark: str) -> str | None:
        """What stands behind this mark; None where it has another one."""
        return self.mark.removeprefix(mark).strip() if self.mark.startswith(mark) else None


@dataclass(frozen=True, slots=True)
class Page:
    """A page; `blocks` are in order, those that are the output of another within that one."""

    name: str
    text: str = field(repr=False)
    blocks: Sequence[Block] = field(repr=False)

    @property
    def is_generated(self) -> bool:
        """Whether it is written by a program."""
        return self.name.startswith("docs/reference/") and self.name.rpartition("/")[2] in GENERATED


def pages() -> list[Page]:
    """The README and everything in docs/."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [read_page(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in files]


def read_page(name: str, text: str) -> Page:
    """
    Read a page.

    Raises:
        ValueError: a block has no end.
    """
    return Page(name, text, _with_outputs(list(_blocks(name, text)), text.splitlines()))


def _blocks(page: str, text: str) -> Iterator[Block]:
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        opening = _FENCE.fullmatch(lines[number])
        if opening is None:
            number += 1
            continue
        indent, language = opening.groups()
        try:
            end = lines.index(f"{indent}```", number + 1)
        except ValueError:
            raise ValueError(f"{page}:{number + 1}: the block has no end") from None
        inside = "\n".join(line.removeprefix(indent) for line in lines[number + 1 : end])
        comment = _COMMENT.fullmatch(lines[number - 1]) if number else None
        yield Block(page, number + 1, language, inside, comment[1] if comment else "")
        number = end + 1


def _with_outputs(found: Sequence[Block], lines: Sequence[str]) -> list[Block]:
    joined: list[Block] = []
    for block in found:
        before = joined[-1] if joined else None
        if before and before.output is None and _is_output(block) and _nothing_between(before, block, lines):
            joined[-1] = Block(before.page, before.line, before.language, before.text, before.mark, output=block)
        else:
            joined.append(block)
    return joined


def _is_output(block: Block) -> bool:
    return block.language in ("text", "json") and not block.mark


def _nothing_between(before: Block, block: Block, lines: Sequence[str]) -> bool:
    first = before.line + len(before.text.splitlines()) + 1
    return before.language in ("sh", "python") and not any(line.strip() for line in lines[first : block.line - 1])
