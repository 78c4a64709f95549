"""Going through a list that a server gives in pages. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gatepass.client.errors import ProtocolError

_LISTS: Final = ("items", "nodes", "edges")


class Pages:
    """
    Which variables ask for the next page, and whether there is one.

    By cursor, where the page has `pageInfo` with `endCursor`, else by offset: how many items came so far.

    Args:
        path: names from the data to the page, joined with dots; None if the data has one field only.
        cursor: the variable that takes the end cursor.
        offset: the variable that takes the offset; without it a page without cursor is the only one.

    Source: GraphQL Cursor Connections Specification (Relay) §4 and §5.
    """

    def __init__(
        self,
        variables: Mapping[str, Any] | None = None,
        *,
        path: str | None = None,
        cursor: str = "after",
        offset: str | None = None,
    ) -> None:
        self.variables: dict[str, Any] = dict(variables or {})
        self.is_over = False
        self._path = path
        self._cursor = cursor
        self._offset = offset
        self._seen: set[str] = set()

    def take(self, data: Mapping[str, Any]) -> list[Any]:
        """
        The items of a page; then `variables` ask for the next one, unless it `is_over`.

        Raises:
            ProtocolError: there is no page at that path, or the server gives the same page again and again.
        """
        page = self._page(data)
        items = _items(page)
        info = page.get("pageInfo") if isinstance(page, dict) else None
        info = info if isinstance(info, dict) else {}
        end = info.get("endCursor")
        # Where nobody says whether there is more, an empty page is the end, though it may have a cursor.
        if info.get("hasNextPage") is False or not (items or (end and info.get("hasNextPage"))):
            self.is_over = True
        elif end is not None and self._offset is None:
            self._go_on_from(str(end))
        elif self._offset is not None and items:
            self.variables[self._offset] = int(self.variables.get(self._offset) or 0) + len(items)
        else:
            self._must_be_last(info)
        return items

    def _page(self, data: Mapping[str, Any]) -> Any:
        if self._path is None:
            if len(data) != 1:
                raise ProtocolError(f"Which of {', '.join(data)} has the pages? Say it with path=.")
            return next(iter(data.values()))
        found: Any = data
        for name in self._path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def _go_on_from(self, end: str) -> None:
        if end in self._seen:
            raise ProtocolError("The server gives the same page again: does the query pass $after on?")
        self._seen.add(end)
        self.variables[self._cursor] = end

    def _must_be_last(self, info: Mapping[str, Any]) -> None:
        if info.get("hasNextPage"):
            raise ProtocolError("There are more pages, and no way to them: query pageInfo { hasNextPage endCursor }.")
        self.is_over = True


def _items(page: Any) -> list[Any]:
    if isinstance(page, list):
        return page
    found: Sequence[Any] | None = None
    if isinstance(page, dict):
        name = next((name for name in _LISTS if isinstance(page.get(name), list)), None)
        found = page[name] if name is not None else None
        if name == "edges":
            found = [edge.get("node") if isinstance(edge, dict) else edge for edge in page["edges"]]
    if found is None:
        raise ProtocolError("There is no page with items, nodes or edges there. Say where with path=.")
    return list(found)
