"""The reference pages of errors, schema and Python names. `python -m docs.reference.make` renews them."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Final, NewType

from gatepass.domain.errors import Code, Fault, GatepassError, Refused
from gatepass.http import refusals
from gatepass.http.error_table import TABLE, headers_of, message_of

FOLDER: Final = Path(__file__).parent
WITHOUT_DOCSTRING: Final = {
    "EmailAddress": "The one spelling under which an address is stored and found; text like any other.",
    "__version__": "The version, as text.",
}
_HEADER_NAMES: Final = {"www-authenticate": "WWW-Authenticate", "retry-after": "Retry-After", "allow": "Allow"}
_STATUS_FIRST: Final = re.compile(r"[0-9]{3}[.:] ?")
MAY_WAIT: Final = (Code.RATE_LIMITED, Code.OVERLOADED, Code.UPSTREAM_UNAVAILABLE)
"""Codes that can come with Retry-After."""
ON_THE_WIRE: Final = {
    "`presented` tells": "The header tells",
    "`retry_after_seconds` says": "`Retry-After` says",
    "`allow` becomes the Allow header": "The header `Allow` says which are",
}
"""What the code calls by its own names, in the words of the wire."""

_ERRORS_HEAD: Final = """\
# Errors

An error is an entry of `errors` with `extensions.code`. Codes are stable, messages are not: programs read the code,
people read the message. `requestId` finds the request in the log; the header `X-Request-ID` has it too.

```json
{
  "errors": [
    {
      "message": "The e-mail address or the password is wrong.",
      "locations": [{"line": 1, "column": 11}],
      "path": ["signIn"],
      "extensions": {"code": "INVALID_CREDENTIALS", "requestId": "0084fea099ea187e"}
    }
  ],
  "data": null
}
```

GraphQL over HTTP has two media types with different statuses; the header `Accept` says which one the client wants, and
`*/*` or none means `application/json`. 294 is the draft's status for an answer with errors and a `data` entry. Errors
of the API behind Gatepass come down as that API wrote them.

| code | when | `application/json` | `application/graphql-response+json` | has `data: null` | headers |
| --- | --- | --- | --- | --- | --- |
"""
_MESSAGES: Final = """
## What the message says

Most messages say how to mend that very request. Where there is nothing more to say, they are these:

| code | message |
| --- | --- |
"""
_TRANSPORT: Final = """
## Before it is an operation

These requests never became an operation. They have one status for every media type.

| status | code | when |
| --- | --- | --- |
"""
_SCHEMA_HEAD: Final = """\
# Schema

What Gatepass itself answers, in the schema definition language. The fields of the API behind it stand beside these in
one schema; who sees the whole of it is the setting `introspection` ([settings](settings.md)). `{ __typename }` is
always allowed. [Errors](errors.md) are a page of their own.

```graphql
"""
_PYTHON_HEAD: Final = """\
# Python

Everything that is not on this page is internal and may change without notice.
"""
_PYTHON_SECTION: Final = """
## {module}

What `from {module} import …` has{where}:

| name | what it is |
| --- | --- |
"""
PUBLIC: Final = {
    "gatepass": " for operators and embedders; it needs `gatepass[server]`",
    "gatepass.client": " for API users; `pip install gatepass` is enough",
    "gatepass.verify": " for the API behind Gatepass; it needs `gatepass[verify]`",
}
"""The modules whose names are public, and for whom they are."""


def pages() -> dict[str, str]:
    """The generated pages by file name, in Markdown."""
    return {"errors.md": errors_page(), "schema.md": schema_page(), "python.md": python_page()}


def errors_page() -> str:
    """Every code with its statuses, its words and its headers."""
    by_code = {error.code: error for error in Refused.__subclasses__()}
    rows = (_error_row(code, by_code.get(code, Fault)) for code in TABLE)
    messages = (f"| `{code}` | {message_of(by_code.get(code, Fault)())} |\n" for code in TABLE)
    return "".join([_ERRORS_HEAD, *rows, _MESSAGES, *messages, _TRANSPORT, *_transport_rows()])


def schema_page() -> str:
    """The SDL that the server itself reads."""
    return _SCHEMA_HEAD + files("gatepass.graphql").joinpath("schema.graphql").read_text("utf-8") + "```\n"


def python_page() -> str:
    """The public names."""
    page = _PYTHON_HEAD
    for name, where in PUBLIC.items():
        module = import_module(name)
        rows = (f"| `{each}` | {_said_of(module, each)} |\n" for each in sorted(module.__all__, key=str.casefold))
        page += _PYTHON_SECTION.format(module=name, where=where) + "".join(rows)
    return page


def renew(folder: Path) -> None:
    """Write the pages."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def _error_row(code: Code, error: type[GatepassError]) -> str:
    row = TABLE[code]
    data = "yes" if row.executed else ""
    headers = ", ".join(f"`{name}`" for name in _headers(error))
    when = _on_the_wire(_promise(error))
    return f"| `{code}` | {when} | {row.json} | {row.graphql_response} | {data} | {headers} |\n"


def _headers(error: type[GatepassError]) -> Iterable[str]:
    """The headers that can come with it."""
    raised = error()
    if isinstance(raised, Refused) and error.code in MAY_WAIT:
        raised.retry_after_seconds = 1
    return [_HEADER_NAMES[name.decode("ascii")] for name, _ in headers_of(raised)]


def _transport_rows() -> Iterator[str]:
    here = [kind for kind in vars(refusals).values() if getattr(kind, "__module__", "") == refusals.__name__]
    for kind in sorted(here, key=_status):
        when = _STATUS_FIRST.sub("", _on_the_wire(_promise(kind)))
        yield f"| {_status(kind)} {_words(kind)} | `{kind.code}` | {when[:1].upper()}{when[1:]} |\n"


def _status(kind: type[Refused]) -> int:
    return int(vars(kind)["status"])


def _words(kind: type) -> str:
    """The words of a class name: `UriTooLong` → "URI too long"."""
    words = re.findall(r"[A-Z][a-z]+", kind.__name__)
    return " ".join(words).capitalize().replace("Uri", "URI")


def _on_the_wire(text: str) -> str:
    for ours, theirs in ON_THE_WIRE.items():
        text = text.replace(ours, theirs)
    return text


def _said_of(module: ModuleType, name: str) -> str:
    found = getattr(module, name)
    return WITHOUT_DOCSTRING[name] if isinstance(found, str | NewType) else _promise(found)


def _promise(documented: type) -> str:
    """The first sentence or sentences of a docstring, as far as its first line goes; a longer one whole."""
    paragraph = inspect.cleandoc(documented.__doc__ or "").partition("\n\n")[0]
    line = paragraph.partition("\n")[0]
    return re.sub(":$", ".", line if line.endswith((".", ":")) else " ".join(paragraph.split()))


if __name__ == "__main__":
    renew(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
