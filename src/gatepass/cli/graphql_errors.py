"""Errors of GraphQL as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gatepass.cli.terminal import complain


def say_errors(errors: Iterable[Mapping[str, Any]], request_id: str | None = None) -> None:
    """Tell each on standard error: the message, the code, the place in the document or the data."""
    for error in errors:
        facts = list(_facts(error))
        if request_id and not any(fact.startswith("request ") for fact in facts):
            facts.append(f"request {request_id}")
        message = str(error.get("message") or "the API answers with an error that has no message")
        complain(f"{message} ({', '.join(facts)})" if facts else message)


def _facts(error: Mapping[str, Any]) -> Iterator[str]:
    extensions = error.get("extensions")
    if isinstance(extensions, Mapping):
        if code := extensions.get("code"):
            yield str(code)
        if request := extensions.get("requestId"):
            yield f"request {request}"
    if path := error.get("path"):
        yield "at " + ".".join(map(str, path))
    for place in error.get("locations") or ():
        if isinstance(place, Mapping) and "line" in place:
            yield f"line {place['line']}"
