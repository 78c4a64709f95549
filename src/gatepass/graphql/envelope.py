"""The envelope of a GraphQL request: what JSON or a query string says, held to the letter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

import msgspec

from gatepass.domain.errors import BadUserInput, RequestTooLarge
from gatepass.http.query_string import parameters
from gatepass.http.refusals import BadRequest

MAX_JSON_DEPTH: Final = 100
MAX_JSON_CONTAINERS: Final = 50_000
_MEMBERS: Final = frozenset({"query", "operationName", "variables", "extensions"})
# Up to the next such mark outside of strings, or the end. Possessive, so that no text is ever gone over twice; and one
# at a time, because what is between a megabyte's small strings takes sixty as pieces.
_TO_MARK: Final = rb'(?:[^"%b]++|"[^"\\]*+(?:\\.?[^"\\]*+)*+(?:"|\Z))*+([%b]|\Z)'
_TO_CONTAINER: Final = re.compile(_TO_MARK % (rb"\[{", rb"\[{"), re.DOTALL)
_TO_COLON: Final = re.compile(_TO_MARK % (b":", b":"), re.DOTALL)
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


class Envelope(msgspec.Struct, frozen=True):
    """
    A well-formed GraphQL-over-HTTP request. `operation_name` is None where it was empty.

    `body` is the JSON to forward: the very bytes that were read, where they hold nothing but what was checked.
    """

    query: str
    operation_name: str | None
    variables: dict[str, Any] | None
    body: bytes

    def body_with(self, query: str) -> bytes:
        """The body to forward with another document in it."""
        return _encode({**_decode(self.body), "query": query})

    def __repr__(self) -> str:
        return "Envelope(…)"


def from_json(body: bytes) -> Envelope:
    """
    Read a POST body.

    Raises:
        BadRequest: not one JSON object with members of the right types, each name once.
        BadUserInput: the hash of a query in place of the query.
        RequestTooLarge: a great many arrays and objects.

    Source: GraphQL over HTTP (draft) §5.4; RFC 8259 §4: what a repeated name means is open, and where two parsers
    disagree, the one that checks is passed by.
    """
    members = _object(_json(body, "The body"))
    query = members.get("query")
    _refuse_hash_alone(members)
    if type(query) is not str:
        raise BadRequest(
            "The member 'query' must be a string." if "query" in members else "The member 'query' is missing."
        )
    operation_name, variables = _checked(members)
    if not members.keys() <= _MEMBERS:
        # Members that mean nothing here could mean something upstream: {"query":…,"Query":…}.
        body = _encode({name: value for name, value in members.items() if name in _MEMBERS})
    return Envelope(query, operation_name, variables, body)


def from_query_string(query_string: bytes) -> Envelope:
    """
    Read a GET request. `variables` and `extensions` are JSON; an empty optional parameter is none.

    Raises:
        BadRequest, UriTooLong: as `gatepass.http.query_string.parameters`, or a parameter of the wrong form.
        BadUserInput: the hash of a query in place of the query.

    Source: GraphQL over HTTP (draft) §5.3.
    """
    given = {name: value for name, value in parameters(query_string).items() if value and name in _MEMBERS}
    members: dict[str, Any] = dict(given)
    for name in ("variables", "extensions"):
        if name in given:
            text = given[name].encode()
            members[name] = _json(text, f"The parameter '{name}'")
    _refuse_hash_alone(members)
    if "query" not in given:
        raise BadRequest("The parameter 'query' is missing: GET takes it in the query string, POST in a JSON body.")
    operation_name, variables = _checked(members)
    return Envelope(given["query"], operation_name, variables, _encode(members))


def _checked(members: Mapping[str, Any]) -> tuple[str | None, dict[str, Any] | None]:
    name, variables, extensions = members.get("operationName"), members.get("variables"), members.get("extensions")
    if name is not None and type(name) is not str:
        raise BadRequest("The member 'operationName' must be a string.")
    if variables is not None and type(variables) is not dict:
        raise BadRequest("The member 'variables' must be an object.")
    if extensions is not None and type(extensions) is not dict:
        raise BadRequest("The member 'extensions' must be an object.")
    return name or None, variables


def _refuse_hash_alone(members: Mapping[str, Any]) -> None:
    """
    Say to clients of automatic persisted queries that they are to send the query itself, in the words they look for.

    Source: Apollo's protocol, which Apollo Client, Apollo Kotlin and iOS, and urql speak; they go on without it then.
    """
    extensions = members.get("extensions")
    if not members.get("query") and type(extensions) is dict and "persistedQuery" in extensions:
        raise BadUserInput("PersistedQueryNotSupported")


def _json(text: bytes, what: str) -> Any:
    if _has_too_many_containers(text):
        raise RequestTooLarge(f"{what} has more than {MAX_JSON_CONTAINERS} arrays and objects.")
    try:
        value = _decode(text)
    except RecursionError:
        raise BadRequest(f"{what} is nested too deeply.") from None
    except msgspec.ValidationError:
        raise BadRequest(f"{what} has a number that is out of range.") from None
    except UnicodeDecodeError:
        raise BadRequest(f"{what} is not UTF-8.") from None
    except msgspec.DecodeError as error:
        raise BadRequest(_mending(text, what, error)) from None
    if _repeats_a_name(text, value):
        raise BadRequest("An object has the same member name more than once: send each once.")
    return value


def _has_too_many_containers(text: bytes) -> bool:
    if text.count(b"[") + text.count(b"{") <= MAX_JSON_CONTAINERS:
        return False
    last = next(islice(_TO_CONTAINER.finditer(text), MAX_JSON_CONTAINERS, None), None)
    return last is not None and last[1] != b""


def _repeats_a_name(text: bytes, value: Any) -> bool:
    """
    Whether some object of a text has two members of one name, of which the decoder has kept the last.

    Then the text has more strings than the value. Quotes are quick to count, as long as no backslash is escaped; else
    the colons outside of strings are counted.
    """
    members, strings = _counted(value)
    if b"\\\\" in text:
        return sum(1 for found in _TO_COLON.finditer(text) if found[1]) != members
    return text.count(b'"') - text.count(b'\\"') != 2 * strings


def _mending(text: bytes, what: str, error: msgspec.DecodeError) -> str:
    if not text.strip():
        return f"{what} is empty: send a JSON object with the member 'query'."
    if text.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return f"{what} starts with a byte order mark: send UTF-8 without one."
    return f"{what} is not JSON: {str(error).removeprefix('JSON is malformed: ')}."


def _object(value: Any) -> dict[str, Any]:
    if type(value) is list:
        raise BadRequest("Batches are not accepted: send one operation per request, as a JSON object.")
    if type(value) is not dict:
        raise BadRequest("The body must be a JSON object with the member 'query'.")
    return value


def _counted(value: Any) -> tuple[int, int]:
    """
    How many members all objects have, and how many strings there are, names included.

    Raises:
        BadRequest: too deep, or with a name that changes objects in careless JavaScript upstreams.
    """
    members = texts = 0
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        below: list[Any] = []
        for item in level:
            if type(item) is str:
                texts += 1
            elif type(item) is dict:
                if "__proto__" in item:
                    raise BadRequest("The member name '__proto__' is not accepted.")
                members += len(item)
                below.extend(item.values())
            elif type(item) is list:
                below.extend(item)
        if not below:
            return members, members + texts
        level = below
    raise BadRequest(f"The request is nested deeper than {MAX_JSON_DEPTH} levels.")
