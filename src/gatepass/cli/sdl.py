"""
A schema in the definition language, from the answer to an introspection query.

The base install has no GraphQL library, so this is written by hand; a test holds it to the one of the server.
Source: GraphQL specification, October 2021, §3 and §4.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

INTROSPECTION: Final = """\
query IntrospectionQuery {
  __schema {
    description
    queryType { name } mutationType { name } subscriptionType { name }
    types { ...FullType }
    directives { name description isRepeatable locations args { ...Input } }
  }
}
fragment FullType on __Type {
  kind name description specifiedByURL
  fields(includeDeprecated: true) {
    name description args { ...Input } type { ...Reference } isDeprecated deprecationReason
  }
  inputFields { ...Input }
  interfaces { ...Reference }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...Reference }
}
fragment Input on __InputValue { name description type { ...Reference } defaultValue }
fragment Reference on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name } } } } } } } }
}
"""
INTROSPECTION_2018: Final = (
    INTROSPECTION.replace("    description\n    queryType", "    queryType")
    .replace(" isRepeatable", "")
    .replace(" specifiedByURL", "")
)
"""For servers of the specification of June 2018, which had less to tell."""

Described = Mapping[str, Any]
_ROOTS: Final = ("query", "mutation", "subscription")
_SCALARS: Final = frozenset({"String", "Int", "Float", "Boolean", "ID"})
_DIRECTIVES: Final = frozenset({"include", "skip", "deprecated", "specifiedBy", "oneOf", "defer", "stream"})
_DEFAULT_REASON: Final = "No longer supported"


def sdl(schema: Described) -> str:
    """
    The definitions of a schema.

    Args:
        schema: `__schema` of the answer.

    Raises:
        KeyError, TypeError: it is not the answer to `INTROSPECTION`.
    """
    directives = [_directive(each) for each in schema["directives"] if each["name"] not in _DIRECTIVES]
    types = [_type(each) for each in schema["types"] if not _is_built_in(each)]
    return "\n\n".join([*_schema(schema), *directives, *types]) + "\n"


def _is_built_in(kind: Described) -> bool:
    return kind["name"].startswith("__") or (kind["kind"] == "SCALAR" and kind["name"] in _SCALARS)


def _schema(schema: Described) -> list[str]:
    roots = {root: schema[f"{root}Type"]["name"] for root in _ROOTS if schema.get(f"{root}Type")}
    if not schema.get("description") and all(name == root.title() for root, name in roots.items()):
        return []
    return [_description(schema) + "schema" + _block([f"{root}: {name}" for root, name in roots.items()])]


def _type(kind: Described) -> str:
    return _description(kind) + _DEFINITIONS[kind["kind"]](kind)


def _scalar(kind: Described) -> str:
    url = kind.get("specifiedByURL")
    return f"scalar {kind['name']}" + (f" @specifiedBy(url: {_quoted(url)})" if url else "")


def _object(kind: Described, word: str = "type") -> str:
    interfaces = " & ".join(each["name"] for each in kind.get("interfaces") or ())
    fields = [
        f"{_description(each, '  ', is_first=number == 0)}  {each['name']}{_arguments(each['args'], '  ')}: "
        f"{_reference(each['type'])}{_deprecated(each)}"
        for number, each in enumerate(kind["fields"])
    ]
    return f"{word} {kind['name']}" + (f" implements {interfaces}" if interfaces else "") + _lines(fields)


def _interface(kind: Described) -> str:
    return _object(kind, "interface")


def _union(kind: Described) -> str:
    members = " | ".join(each["name"] for each in kind["possibleTypes"])
    return f"union {kind['name']}" + (f" = {members}" if members else "")


def _enum(kind: Described) -> str:
    return f"enum {kind['name']}" + _lines(
        [
            f"{_description(each, '  ', is_first=number == 0)}  {each['name']}{_deprecated(each)}"
            for number, each in enumerate(kind["enumValues"])
        ]
    )


def _input(kind: Described) -> str:
    return f"input {kind['name']}" + _lines(
        [
            f"{_description(each, '  ', is_first=number == 0)}  {_input_value(each)}"
            for number, each in enumerate(kind["inputFields"])
        ]
    )


_DEFINITIONS: Final = {
    "SCALAR": _scalar,
    "OBJECT": _object,
    "INTERFACE": _interface,
    "UNION": _union,
    "ENUM": _enum,
    "INPUT_OBJECT": _input,
}


def _directive(directive: Described) -> str:
    repeatable = " repeatable" if directive.get("isRepeatable") else ""
    places = " | ".join(directive["locations"])
    arguments = _arguments(directive["args"], "")
    return f"{_description(directive)}directive @{directive['name']}{arguments}{repeatable} on {places}"


def _arguments(arguments: Sequence[Described], indent: str) -> str:
    if not arguments:
        return ""
    if not any(each.get("description") for each in arguments):
        return f"({', '.join(map(_input_value, arguments))})"
    inner = f"{indent}  "
    lines = [
        f"{_description(each, inner, is_first=number == 0)}{inner}{_input_value(each)}"
        for number, each in enumerate(arguments)
    ]
    return "(\n" + "\n".join(lines) + f"\n{indent})"


def _input_value(value: Described) -> str:
    default = value.get("defaultValue")
    return f"{value['name']}: {_reference(value['type'])}" + (f" = {default}" if default is not None else "")


def _reference(kind: Described) -> str:
    if kind["kind"] == "NON_NULL":
        return f"{_reference(kind['ofType'])}!"
    if kind["kind"] == "LIST":
        return f"[{_reference(kind['ofType'])}]"
    return str(kind["name"])


def _deprecated(described: Described) -> str:
    if not described.get("isDeprecated"):
        return ""
    reason = described.get("deprecationReason")
    return " @deprecated" + (f"(reason: {_quoted(reason)})" if reason not in (None, _DEFAULT_REASON) else "")


def _description(described: Described, indent: str = "", *, is_first: bool = True) -> str:
    """As a block string, after an empty line where something stands above."""
    text = described.get("description")
    if text is None:
        return ""
    return ("" if is_first or not indent else "\n") + _indented(_block_string(text), indent) + "\n"


def _block_string(text: str) -> str:
    """A text that a block string would not give back letter for letter becomes an ordinary string."""
    lines = text.split("\n")
    is_printable = all(character.isprintable() or character in "\n\t" for character in text)
    has_own_edges = not lines[0].strip() or not lines[-1].strip() or text[:1] in " \t"
    if not is_printable or has_own_edges:
        return _quoted(text)
    escaped = text.replace('"""', '\\"""')
    if len(lines) == 1 and not escaped.endswith(('"', "\\")) and len(escaped) <= 70:  # noqa: PLR2004 - as others do
        return f'"""{escaped}"""'
    return f'"""\n{escaped}\n"""'


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _indented(text: str, indent: str) -> str:
    return "\n".join(f"{indent}{line}" if line else line for line in text.split("\n"))


def _block(lines: Sequence[str]) -> str:
    return _lines([f"  {line}" for line in lines])


def _lines(lines: Sequence[str]) -> str:
    return " {\n" + "\n".join(lines) + "\n}" if lines else ""
