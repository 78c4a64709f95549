"""The lines that the demo prints: the specification's own, through a real shell and a real Python."""

from __future__ import annotations

import ast
import json
import subprocess
from typing import Any

from graphql import parse
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepass.cli.pasteable import query_curl, sign_in_curl, sign_in_python

ADDRESS = "http://127.0.0.1:8000/graphql/"
CURL = r"""curl -s --location \
'http://127.0.0.1:8000/graphql/' \
--header 'Content-Type: application/json' \
--data '{"query":"mutation signIn {signIn(useManagementflow: true, credentials: { userName: \"reader@example.org\", password: \"bcdf-2345\" }) {accessToken refreshToken}}","variables":{}}'"""  # noqa: E501


def credentials(document: str) -> dict[str, str]:
    definition: Any = parse(document).definitions[0]
    (given,) = [a for a in definition.selection_set.selections[0].arguments if a.name.value == "credentials"]
    return {field.name.value: field.value.value for field in given.value.fields}


def data_of(command: str) -> Any:
    """What a shell would pass to curl after --data."""
    script = f'curl() {{ while [ "$1" != --data ]; do shift; done; printf %s "$2"; }}\n{command}'
    ended = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)


def test_the_curl_line_is_the_specifications() -> None:
    """Letter by letter but for address, user and password."""
    assert sign_in_curl(ADDRESS, "reader@example.org", "bcdf-2345") == CURL


text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(text, text)
def test_any_password_survives_shell_json_and_graphql(email: str, password: str) -> None:
    """Quotes, backslashes, dollars, umlauts: what the server reads is what was meant."""
    data = data_of(sign_in_curl(ADDRESS, email, password))
    assert data["variables"] == {}
    assert credentials(data["query"]) == {"userName": email, "password": password}


def test_the_query_line_signs_in_and_sends_the_token() -> None:
    """The token reaches the header of the second call."""
    tokens = json.dumps({"data": {"signIn": {"accessToken": "the-token"}}})
    curl = f"""curl() {{ case "$*" in *signIn*) printf %s '{tokens}';; *) printf '%s\\n' "$@";; esac; }}"""
    script = f"{curl}\n{query_curl(ADDRESS, 'reader@example.org', 'bcdf-2345')}"
    ended = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert "Authorization: Bearer the-token" in ended.stdout.splitlines()
    document = json.loads(ended.stdout.splitlines()[-1])["query"]
    assert document == '{companies(where:{company_number:{eq:"GP000042"}}){items{company_number company_name}}}'


def test_the_python_program_is_the_specifications() -> None:
    """It compiles, and its data is what the curl line sends, but for the space of its author."""
    program = sign_in_python(ADDRESS, "reader@example.org", "bcdf-2345")
    assert 'username="reader@example.org"\npassword="bcdf-2345"\n' in program
    assert f"requests.post('{ADDRESS}'," in program
    ast.parse(program)
    namespace: dict[str, Any] = {}
    exec(program.partition("header =")[0].replace("import requests", ""), namespace)
    assert credentials(json.loads(namespace["data"])["query"]) == {
        "userName": "reader@example.org",
        "password": "bcdf-2345",
    }
