"""What a flow asks for: a generator that yields one of these, gets its outcome sent in, and returns a result."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Request:
    """
    An HTTP request; by default a POST of JSON.

    Args:
        fields: of a form, in place of `content`; with `files` a multipart one, else URL-encoded.
        files: name of the part → file's name, content as bytes or an open binary file, media type.
    """

    url: str
    content: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "POST"
    fields: Mapping[str, str] | None = field(default=None, repr=False)
    files: Sequence[tuple[str, tuple[str, Any, str]]] = field(default=(), repr=False)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    content: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def body(self) -> Any:
        """Its body as JSON; None where it is none."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None

    @property
    def request_id(self) -> str | None:
        """The server's name for the request."""
        return self.headers.get("x-request-id")


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request; the outcome is an `Answer`, or `ServerUnreachable` is raised in the flow."""

    request: Request


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Do:
    """Call something that may touch the disk or a keyring; the outcome is what it returns or raises."""

    deed: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Need:
    """
    An access token is needed; the outcome is a `Held`.

    Args:
        refused: a token that the server did not take, so it has to be another one.
        min_ttl_seconds: how long it is to live at least, as `is_lasting` reads it.
    """

    refused: str | None = field(default=None, repr=False)
    min_ttl_seconds: float = 0.0


Effect = Send | Pause | Do | Need
Flow = Generator[Effect, Any, Result]

NO_WISH = Need()
