"""Lifts string literals and comments out of a document: what is left holds no secret and is the same for everybody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Final

# A string whose escapes are all plain ones, or a comment, or else the rest of the document from a quote that begins
# neither: a block string, a `\u{…}` escape, a surrogate, an escape or a string that is malformed. Possessive, and with
# that last resort, so that no text is ever gone over twice.
_LIFT: Final = re.compile(
    r'("(?!"")[^"\\\r\n]*+(?:\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})[^"\\\r\n]*+)*+"|\#[^\r\n]*+)'
    r'|("[\s\S]*+)'
)
MAX_SPACED_CHARACTERS: Final = 4_096

# Unicode's spaces (category Zs) but the plain one. Word processors and web pages put them where people indent, and the
# protocol's own document has them in the mutation that readers are asked to copy.
_PLAIN_SPACES: Final = {
    ord(space): " "
    for space in "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
}
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_ESCAPED: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Lifted:
    """
    A document taken apart.

    `template` is the document with `""` for each string and `#` for each comment, and is a document itself.
    """

    __slots__ = ("_literals", "_plain", "template")

    def __init__(self, plain: list[str], literals: list[str]) -> None:
        self._plain = plain
        self._literals = literals
        self.template = _joined(plain, literals) if literals and _has_comment(literals) else '""'.join(plain)

    def value(self, index: int) -> str:
        """The value of the string literal with this index; comments count."""
        raw = self._literals[index]
        return raw[1:-1] if "\\" not in raw else _ESCAPE.sub(_unescaped, raw[1:-1])

    def translated(self, table: Mapping[int, str]) -> str:
        """The document with the characters outside strings and comments replaced, one by one."""
        plain = [part.translate(table) for part in self._plain]
        return "".join(text for pair in zip(plain, [*self._literals, ""], strict=True) for text in pair)

    def spans(self) -> dict[int, int]:
        """The index of each literal and comment by its offset in the document."""
        lengths = [len(text) for pair in zip(self._plain, self._literals, strict=False) for text in pair]
        return {offset: index for index, offset in enumerate(list(accumulate(lengths))[::2])}

    def offset(self, before: int, within: int) -> int:
        """The offset in the document of what stands `within` the plain text after `before` literals."""
        return sum(map(len, self._plain[:before])) + sum(map(len, self._literals[:before])) + within

    def place(self, offset: int) -> tuple[int, int]:
        """What `offset` takes: how many literals stand before this offset, and how far into the plain text it is."""
        before, rest = 0, offset
        while rest > len(self._plain[before]):
            rest -= len(self._plain[before]) + len(self._literals[before])
            before += 1
        return before, rest


def lift(text: str) -> Lifted | None:
    """
    Take a document apart exactly as GraphQL's lexer would; None where that is in doubt.

    Source: GraphQL specification §2.1 and §2.9.4.
    """
    if '"' not in text and "#" not in text:
        return Lifted([text], [])
    parts = _LIFT.split(text)
    if any(parts[2::3]):
        return None
    lifted = Lifted(parts[0::3], parts[1::3])
    # Strings that touch leave holes that touch, and three quotes in a row are the mark of a block string.
    return lifted if '"""' not in lifted.template else None


def with_plain_spaces(text: str) -> str | None:
    """
    The document with every other Unicode space outside strings and comments made a plain one, so of the same length.

    None where there is none, where it is in doubt what is a string, or where the document is longer than those that
    people copy: it is parsed a second time, and that must not double the cost of the longest.
    """
    if len(text) > MAX_SPACED_CHARACTERS or text.isascii() or (lifted := lift(text)) is None:
        return None
    spaced = lifted.translated(_PLAIN_SPACES)
    return spaced if spaced != text else None


def _has_comment(literals: list[str]) -> bool:
    return any(literal[0] == "#" for literal in literals)


def _joined(plain: list[str], literals: list[str]) -> str:
    holes = ["#" if literal[0] == "#" else '""' for literal in literals]
    return "".join(text for pair in zip(plain, [*holes, ""], strict=True) for text in pair)


def _unescaped(match: re.Match[str]) -> str:
    code, letter = match.groups()
    return chr(int(code, 16)) if code is not None else _ESCAPED[letter]
