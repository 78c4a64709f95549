"""The requests that the benchmarks send, in the forms that clients use."""

from __future__ import annotations

import http.client
import json
import re

from benchmarks.harness.load import NextRequest, RefusedError, post

_FIELDS = "{accessToken refreshToken}"
_REFRESH_TOKEN = re.compile(rb'"refreshToken": *"([^"]+)"')

UPSTREAM_SCHEMA = """
type Query { companies(where: CompanyFilter!): CompanyPage! }
type CompanyPage { items: [Company!]! }
type Company { company_number: String!, company_name: String! }
input CompanyFilter { company_number: Match! }
input Match { eq: String! }
"""


def refresher(token: str, port: int, *, inline: bool) -> NextRequest:
    """Refreshes one session over and over, each time with the token of the last answer."""

    def next_request(answer: bytes | None) -> bytes:
        nonlocal token
        if answer is not None:
            found = _REFRESH_TOKEN.search(answer)
            if found is None:
                raise RefusedError(f"no refresh token in {answer[:300]!r}")
            token = found[1].decode("ascii")
        return post(refresh_body(token, inline=inline), port)

    return next_request


def refresh_body(token: str, *, inline: bool) -> bytes:
    """A signInRefresh, the token as a literal in the document or as a variable."""
    if inline:
        call = f'signInRefresh(useManagementflow: true, credentials: {{ refreshToken: "{token}" }})'
        return json.dumps({"query": f"mutation signInRefresh {{{call} {_FIELDS}}}", "variables": {}}).encode()
    query = (
        "mutation signInRefresh($token: String!) "
        f"{{signInRefresh(useManagementflow: true, credentials: {{refreshToken: $token}}) {_FIELDS}}}"
    )
    return json.dumps({"query": query, "variables": {"token": token}}).encode()


def sign_in_body(email: str, password: str) -> bytes:
    """The specification's own sign-in, literals inline."""
    call = f'signIn(useManagementflow: true, credentials: {{ userName: "{email}", password: "{password}" }})'
    return json.dumps({"query": f"mutation signIn {{{call} {_FIELDS}}}", "variables": {}}).encode()


def query_body() -> bytes:
    """A small protected query with a variable."""
    query = (
        "query One($n: String!) "
        "{ companies(where: {company_number: {eq: $n}}) { items { company_number company_name } } }"
    )
    return json.dumps({"query": query, "variables": {"n": "GP000042"}}).encode()


def constant(request: bytes) -> NextRequest:
    """The same request every time."""
    return lambda _: request


def answered_once(port: int, body: bytes) -> bytes:
    """
    The body of the answer to one POST on a connection of its own.

    Raises:
        RefusedError: it is not 200.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/graphql/", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RefusedError(f"status {answer.status}: {content[:300]!r}")
    return content
