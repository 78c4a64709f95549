"""
The introspection queries for upstreams of any age, the fullest first.

An upstream that does not know a field refuses the whole query, so the next one is asked then.
Source: GraphQL specification §4.2 (October 2021 for the plain one; September 2025 for `isOneOf`).
"""

from __future__ import annotations

from typing import Final

_TEXT: Final = """
query IntrospectionQuery {
  __schema {
    %(schema)s
    queryType { name }
    mutationType { name }
    subscriptionType { name }
    types { ...FullType }
    directives { name description %(directive)s locations args%(deprecated)s { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description %(scalar)s %(one_of)s
  fields(includeDeprecated: true) {
    name description args%(deprecated)s { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
  }
  inputFields%(deprecated)s { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue %(input)s }
fragment TypeRef on __Type { %(reference)s }
"""
_REFERENCE_DEPTH: Final = 9
_PLAIN: Final = {
    "schema": "",
    "directive": "",
    "deprecated": "",
    "scalar": "",
    "one_of": "",
    "input": "",
    "reference": "kind name ofType { " * _REFERENCE_DEPTH + "kind name" + " }" * _REFERENCE_DEPTH,
}
_FULL: Final = {
    **_PLAIN,
    "schema": "description",
    "directive": "isRepeatable",
    "deprecated": "(includeDeprecated: true)",
    "scalar": "specifiedByURL",
    "input": "isDeprecated deprecationReason",
}

INTROSPECTION_QUERIES: Final = tuple(
    " ".join((_TEXT % parts).split()) for parts in ({**_FULL, "one_of": "isOneOf"}, _FULL, _PLAIN)
)
