"""The sign-in schema is part of the wire: changing it is a breaking change. DESIGN §3."""

from __future__ import annotations

from graphql import GraphQLInputObjectType, GraphQLObjectType, validate_schema

from gatepass.graphql import tokens
from gatepass.graphql.sign_in_schema import (
    GUARDED_FIELDS,
    MUTATION_FIELDS,
    OPEN_FIELDS,
    QUERY_FIELDS,
    build_sign_in_schema,
)

SCHEMA = build_sign_in_schema()
WIRE = {
    "Query": {"gatepass": "() Gatepass!"},
    "Mutation": {
        "signIn": "(useManagementflow: Boolean! credentials: SignInCredentials!) Tokens!",
        "signInRefresh": "(useManagementflow: Boolean! credentials: RefreshCredentials!) Tokens!",
        "signOut": "(everywhere: Boolean!) SignedOut!",
        "gatepass": "() GatepassMutation!",
    },
    "Tokens": {
        "accessToken": "() String!",
        "refreshToken": "() String!",
        "deviceHint": "() String!",
        "tokenType": "() String!",
        "expiresIn": "() Int!",
        "issuedAt": "() DateTime!",
    },
    "SignedOut": {"sessions": "() Int!"},
    "Gatepass": {
        "issuer": "() String!",
        "accessTokenSeconds": "() Int!",
        "account": "() GatepassAccount!",
        "sessions": "(first: Int! after: ID) [GatepassSession!]!",
    },
    "GatepassAccount": {"id": "() ID!", "email": "() String!", "scopes": "() [String!]!", "createdAt": "() DateTime!"},
    "GatepassSession": {
        "id": "() ID!",
        "current": "() Boolean!",
        "createdAt": "() DateTime!",
        "lastUsedAt": "() DateTime!",
        "endsAt": "() DateTime!",
        "client": "() String!",
        "address": "() String",
        "userAgent": "() String",
    },
    "GatepassMutation": {
        "revokeSession": "(id: ID!) SignedOut!",
        "signOutEverywhere": "(exceptThis: Boolean!) SignedOut!",
        "changePassword": "(currentPassword: String! newPassword: String! endOtherSessions: Boolean!) PasswordChanged!",
    },
    "PasswordChanged": {"sessions": "() Int!"},
    "SignInCredentials": {"userName": "String!", "password": "String!", "deviceHint": "String"},
    "RefreshCredentials": {"refreshToken": "String!"},
}


def own_types() -> dict[str, GraphQLObjectType | GraphQLInputObjectType]:
    """The types that are not GraphQL's own."""
    return {
        name: kind
        for name, kind in SCHEMA.type_map.items()
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType) and not name.startswith("__")
    }


def test_the_schema_is_the_one_of_the_protocol() -> None:
    """Names, arguments and nullability."""
    assert validate_schema(SCHEMA) == []
    shown: dict[str, dict[str, str]] = {}
    for name, kind in own_types().items():
        shown[name] = {}
        for field_name, field in kind.fields.items():
            arguments = getattr(field, "args", None)
            listed = "" if arguments is None else f"({' '.join(f'{n}: {a.type}' for n, a in arguments.items())}) "
            shown[name][field_name] = f"{listed}{field.type}"
    assert shown == WIRE


def test_the_names_that_make_a_field_ours_are_those_of_the_schema() -> None:
    """A field that is added to the SDL and not to the classification would be forwarded."""
    types = own_types()
    assert set(types["Query"].fields) == QUERY_FIELDS
    assert set(types["Mutation"].fields) == MUTATION_FIELDS
    assert {"__typename", *types["Tokens"].fields} == set(tokens.FIELDS)
    assert {*types["Gatepass"].fields, *types["GatepassMutation"].fields} == OPEN_FIELDS | GUARDED_FIELDS


def test_everything_has_a_description() -> None:
    """The IDE shows them; they are the manual that people read."""
    for name, kind in own_types().items():
        assert kind.description or name == "Query"
        for field_name, field in kind.fields.items():
            assert field.description, f"{name}.{field_name}"
            for argument_name, argument in getattr(field, "args", {}).items():
                assert argument.description, f"{name}.{field_name}({argument_name})"
