"""Data as JSON, as a table, or as CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import click

from gatepass.cli.terminal import shown

FORMS: Final = ("json", "table", "csv")
LISTS: Final = ("items", "nodes", "edges")
"""What a page calls its list, where a path leads to the page only."""
MAX_COLUMN: Final = 60
Row = Mapping[str, Any]
# What a terminal obeys, and what hides text from a reader; JSON has another spelling for every one of them.
_INVISIBLE: Final = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


class NoRowsError(click.UsageError):
    """The data has not what was asked for: a list that could be a table, or that part."""


def as_json(value: object, *, indent: int | None = 2) -> str:
    """JSON in UTF-8, harmless for a terminal whatever the text in it."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def rows_path(data: object, path: str | None = None) -> tuple[str, ...]:
    """
    Where in the data the rows are: what `path` says (`companies.items`, or the page `companies`), or the only list
    nearest the top.

    Raises:
        NoRowsError: there is none, or more than one.
    """
    if path is not None:
        wanted = tuple(path.split("."))
        for place in (wanted, *((*wanted, name) for name in LISTS)):
            if isinstance(at(data, place), list):
                return place
        raise NoRowsError(f"--path {path}: there is no list in the answer.")
    level: list[tuple[tuple[str, ...], object]] = [((), data)]
    while level:
        lists = [place for place, value in level if isinstance(value, list)]
        if len(lists) > 1:
            choice = " or ".join(f"--path {'.'.join(place)}" for place in lists)
            raise NoRowsError(f"The answer has more than one list: choose with {choice}.")
        if lists:
            return lists[0]
        level = [
            ((*place, name), inner)
            for place, value in level
            if isinstance(value, dict)
            for name, inner in value.items()
        ]
    raise NoRowsError("The answer has no list that could be a table: use --output json.")


def at(data: object, path: Iterable[str]) -> Any:
    """What is at a path; None where there is nothing."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def part(data: object, path: str) -> Any:
    """
    What is at a path, also if it is null, or is below what is.

    Raises:
        NoRowsError: there is nothing of that name, so the name is a slip.
    """
    for name in path.split("."):
        if data is None:
            return None
        if not isinstance(data, dict) or name not in data:
            known = f"; there is {', '.join(data)}" if isinstance(data, dict) else ""
            raise NoRowsError(f"--path {path}: there is no {name!r} in the answer{known}.")
        data = data[name]
    return data


def values_of(data: object, path: Iterable[str]) -> list[Any]:
    """The list there. Of a connection's edges, what they lead to (Relay's cursor connections)."""
    found = at(data, path)
    if not isinstance(found, list):
        return []
    return [each["node"] if isinstance(each, dict) and "node" in each else each for each in found]


def flat(value: object) -> dict[str, Any]:
    """A row: objects within it become columns with a dot, lists become JSON."""
    if not isinstance(value, Mapping):
        return {"value": value}
    row: dict[str, Any] = {}
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            row |= {f"{name}.{below}": each for below, each in flat(inner).items()}
        else:
            row[name] = as_json(inner, indent=None) if isinstance(inner, list) else inner
    return row


def columns_of(rows: Iterable[Row]) -> list[str]:
    """
    Every column that a row has, in the order of their coming.

    An object that is null in some row is no column where others have its parts.
    """
    rows = list(rows)
    names = dict.fromkeys(name for row in rows for name in row)
    in_order = sorted(names)

    def is_parent(name: str) -> bool:
        place = bisect_left(in_order, f"{name}.")
        return place < len(in_order) and in_order[place].startswith(f"{name}.")

    return [name for name in names if not is_parent(name) or any(row.get(name) is not None for row in rows)]


def as_csv(columns: Sequence[str], rows: Iterable[Row], *, has_head: bool = True) -> str:
    """CSV (RFC 4180), lines ending with a line feed alone, as tools of the shell want it; nothing for null."""
    head = [list(columns)] if has_head and columns else []
    return "".join(map(_csv_line, [*head, *([_cell(row.get(name)) for name in columns] for row in rows)]))


def as_table(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """A table for people: numbers to the right, long text cut."""
    if not columns:
        return ""
    lines = [[_short(name).upper() for name in columns]]
    lines += [[_short(_cell(row.get(name))) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    is_number = [bool(rows) and all(isinstance(row.get(name), int | float | None) for row in rows) for name in columns]
    return "".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, is_number, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )


def _csv_line(cells: Sequence[str]) -> str:
    """One line. Python quotes a carriage return only if it ends its lines with one."""
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue().removesuffix("\r\n") + "\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _short(text: str) -> str:
    text = shown(text)
    return text if len(text) <= MAX_COLUMN else f"{text[: MAX_COLUMN - 1]}…"
