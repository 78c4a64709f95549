"""
File upload as a multipart form.

Source: GraphQL multipart request specification (jaydenseric/graphql-multipart-request-spec, v2.0).
"""

from __future__ import annotations

import contextlib
import copy
import mimetypes
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from gatepass.client.effects import Request
from gatepass.client.reply import encoded, envelope

File = str | os.PathLike[str] | bytes | IO[bytes] | tuple[str, bytes | IO[bytes]] | tuple[str, bytes | IO[bytes], str]
"""A path, content, an open binary file, or a name with one of the latter two and perhaps a media type."""
Files = Mapping[str, File]
"""Where a file goes among the variables (`file`, `files.0`, `input.picture`) → the file."""

_BINARY: Final = "application/octet-stream"
# Servers that refuse forms from browsers without a preflight take this header for one.
_HEADERS: Final = {"Accept": "application/json", "GraphQL-Preflight": "1"}


@contextlib.contextmanager
def upload_request(
    url: str, query: str, variables: Mapping[str, Any] | None, operation_name: str | None, files: Files
) -> Iterator[Request]:
    """
    An operation with files; what was opened for it is closed with the block.

    Raises:
        OSError: a file cannot be opened.
        ValueError: a place among the variables does not exist.
    """
    filled: dict[str, Any] = copy.deepcopy(dict(variables or {}))
    places: dict[str, list[str]] = {}
    parts: list[tuple[str, tuple[str, Any, str]]] = []
    with contextlib.ExitStack() as opened:
        for number, (given, file) in enumerate(files.items()):
            place = given.removeprefix("variables.")
            _put_null(filled, place)
            places[str(number)] = [f"variables.{place}"]
            parts.append((str(number), _part(file, opened)))
        operations = {**envelope(query, None, operation_name), "variables": filled}
        # The order is the specification's: operations, map, then the files.
        fields = {"operations": encoded(operations).decode(), "map": encoded(places).decode()}
        yield Request(url, headers=_HEADERS, fields=fields, files=parts)


def _part(file: File, opened: contextlib.ExitStack) -> tuple[str, Any, str]:
    if isinstance(file, tuple):
        name, content = file[0], file[1]
        return name, content, file[2] if len(file) > 2 else _media_type(name)  # noqa: PLR2004
    if isinstance(file, str | os.PathLike):
        path = Path(file)
        return path.name, opened.enter_context(path.open("rb")), _media_type(path.name)
    name = "file" if isinstance(file, bytes) else Path(str(getattr(file, "name", "file"))).name
    return name, file, _media_type(name)


def _media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or _BINARY


def _put_null(variables: dict[str, Any], place: str) -> None:
    """The specification wants null where a file goes."""
    *way, last = place.split(".")
    target: Any = variables
    try:
        for step in way:
            target = target[int(step)] if isinstance(target, list) else target.setdefault(step, {})
        target[int(last) if isinstance(target, list) else last] = None
    except (ValueError, IndexError, TypeError, AttributeError):
        raise ValueError(
            f"There is no place {place!r} among the variables; a list needs a null for each file."
        ) from None
