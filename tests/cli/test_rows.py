"""The same data as JSON, as a table, as CSV."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.cli import rows

ANSWER = {
    "companies": {
        "totalCount": 2,
        "items": [
            {"name": "Ada, Ltd", "town": {"name": "York"}, "turnover": 1200, "tags": ["a"]},
            {"name": 'The "B"', "town": None, "turnover": None, "tags": []},
        ],
    },
    "viewer": {"scopes": "read"},
}
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


def table(data: Any, path: str | None = None) -> str:
    found = [rows.flat(value) for value in rows.values_of(data, rows.rows_path(data, path))]
    return rows.as_table(rows.columns_of(found), found)


def test_the_list_nearest_the_top_is_the_table() -> None:
    """Objects within a row are columns with a dot; a null object is no column; numbers stand to the right."""
    assert table(ANSWER) == (
        'NAME      TOWN.NAME  TURNOVER  TAGS\nAda, Ltd  York           1200  ["a"]\nThe "B"                        []\n'
    )


def test_names_with_many_dots_take_no_more_than_themselves() -> None:
    """A scalar of JSON may hold any name, and the server chose it: one of 8,000 dots took 33 MB, one of 80,000 all."""
    tracemalloc.start()
    try:
        assert rows.columns_of([{"." * 8_000: 1, "a": None, "a.": 2, "ab": None}]) == ["." * 8_000, "a.", "ab"]
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_connection_of_relay_shows_its_nodes() -> None:
    """Not the edges around them."""
    data = {"companies": {"edges": [{"cursor": "1", "node": {"name": "A"}}], "pageInfo": {}}}
    assert table(data) == "NAME\nA\n"


@pytest.mark.parametrize(
    ("data", "path", "words"),
    [
        ({"a": 1}, None, "no list"),
        (None, None, "no list"),
        ({"a": [], "b": []}, None, "--path a or --path b"),
        ({"a": {"b": 1}}, "a.b", "there is no list"),
        ({"a": []}, "b.c", "there is no list"),
    ],
)
def test_where_the_rows_are_must_be_clear(data: Any, path: str | None, words: str) -> None:
    """Otherwise it is asked for."""
    with pytest.raises(rows.NoRowsError, match=words):
        rows.rows_path(data, path)


def test_a_path_chooses() -> None:
    assert rows.rows_path({"a": [], "b": {"c": []}}, "b.c") == ("b", "c")
    assert table({"a": [], "b": {"c": [1, 2]}}, "b.c") == "VALUE\n    1\n    2\n"


def test_no_rows_are_an_empty_text() -> None:
    """There are no columns to name."""
    assert table({"a": []}) == ""
    assert rows.as_csv([], []) == ""


@given(st.lists(st.fixed_dictionaries({"a": SCALARS, "b": st.text(max_size=20)}), min_size=1))
def test_csv_comes_back_as_it_was(found: list[dict[str, Any]]) -> None:
    """Commas, quotes and line breaks too (RFC 4180); null is nothing."""
    text = rows.as_csv(["a", "b"], found)
    again = list(csv.reader(io.StringIO(text, newline="")))
    assert again[0] == ["a", "b"]
    assert [row[1] for row in again[1:]] == [row["b"] for row in found]


@given(JSON)
def test_json_comes_back_as_it_was_and_moves_no_cursor(value: Any) -> None:
    """Nothing in it is a control character, nor turns the direction of reading."""
    text = rows.as_json(value)
    assert json.loads(text) == value
    assert not [c for c in text if c != "\n" and (ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066")]


@given(st.lists(st.fixed_dictionaries({"a": st.text(max_size=100), "b": SCALARS}), min_size=1))
def test_a_table_has_a_line_for_each_row(found: list[dict[str, Any]]) -> None:
    """Whatever line breaks and control characters the API sends; a long text is cut."""
    text = rows.as_table(["a", "b"], found)
    lines = text.split("\n")
    assert len(lines) == len(found) + 2
    assert all(line.isprintable() for line in lines)
