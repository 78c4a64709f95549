"""Taking string literals out of a document, exactly as GraphQL's lexer sees them."""

from __future__ import annotations

import pytest
from graphql import GraphQLSyntaxError, Source
from graphql.language import Lexer, Token, TokenKind
from hypothesis import given
from hypothesis import strategies as st

from gatepass.graphql.literals import lift

PIECES = st.sampled_from(
    [
        *'"""\\#\n\r {}:,$',
        '"a"',
        '""',
        '"""',
        "\\u00e9",
        "\\uD83D\\uDE00",
        "\\u{41}",
        "\\n",
        '\\"',
        "\\q",
        "x",
        "# c",
        "\u2028",
        "\ufeff",
    ]
)


def lexed(text: str) -> list[tuple[int, str]] | None:
    """The strings and comments of a document with their places, by graphql-core; None where it cannot be read."""
    lexer, found = Lexer(Source(text)), []
    try:
        while lexer.advance().kind is not TokenKind.EOF:
            pass
    except (GraphQLSyntaxError, IndexError):  # graphql-core 3.2.12 reads past the end
        return None
    token: Token | None = lexer.token
    while token is not None:
        if token.kind in (TokenKind.STRING, TokenKind.BLOCK_STRING, TokenKind.COMMENT):
            found.append((token.start, token.value or ""))
        token = token.prev
    return found[::-1]


@given(st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text('"\\#\n ab', max_size=12)))
def test_what_is_lifted_is_what_the_lexer_reads(text: str) -> None:
    """Same places, same values; or it is left alone."""
    lifted, expected = lift(text), lexed(text)
    if lifted is None or expected is None:
        return
    spans = lifted.spans()
    assert list(spans) == [start for start, _ in expected]
    for start, value in expected:
        if text[start] == '"':
            assert lifted.value(spans[start]) == value


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1, max_size=4), st.data())
def test_places_are_found_again(texts: list[str], data: st.DataObject) -> None:
    """A place before which literals stand is found in the text with other literals."""
    plain = [text.replace('"', "").replace("#", "") for text in texts]
    filler = st.text("abc", max_size=5)
    one, other = (
        ['"'.join(["", data.draw(filler), ""]) for _ in plain],
        ['"'.join(["", data.draw(filler), ""]) for _ in plain],
    )
    first = "".join(a + " " + b for a, b in zip(plain, one, strict=True)) + " end"
    second = "".join(a + " " + b for a, b in zip(plain, other, strict=True)) + " end"
    lifted_first, lifted_second = lift(first), lift(second)
    assert lifted_first is not None
    assert lifted_second is not None
    assert lifted_first.template == lifted_second.template
    assert lifted_second.offset(*lifted_first.place(len(first) - 3)) == len(second) - 3


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ('a("b")', 'a("")'),
        ('a("" "#" "\\"")', 'a("" "" "")'),
        ('a # "b\n("c")', 'a #\n("")'),
        ("a # one\r\n# two", "a #\r\n#"),
        ("no literal", "no literal"),
    ],
)
def test_the_template_holds_no_literal(text: str, template: str) -> None:
    """Strings become `""`, comments `#`."""
    lifted = lift(text)
    assert lifted is not None
    assert lifted.template == template


@pytest.mark.parametrize(
    "text",
    [
        '"',
        '"a',
        '"""a"""',
        '""""""',
        '"""',
        'a "b" """c"""',
        '"\\q"',
        '"\\u12"',
        '"\\ud83d\\ude00"',
        '"\\u{41}"',
        '"a\nb"',
        '"\\',
    ],
)
def test_what_is_in_doubt_is_left_alone(text: str) -> None:
    """Block strings, surrogates, new escapes, and everything malformed go the full way."""
    assert lift(text) is None
