"""The lines that the demo prints to be pasted: the specification's own, with address and account filled in."""

from __future__ import annotations

import json
from typing import Final

# From the specification, letter by letter.
_CURL: Final = r"""curl -s --location \
'https://azp-primary-api.azurewebsites.net/graphql/' \
--header 'Content-Type: application/json' \
--data '{"query":"mutation signIn {signIn(useManagementflow: true, credentials: { userName: \"xxxx\", password: \"yyyy\" }) {accessToken refreshToken}}","variables":{}}'"""  # noqa: E501
_PYTHON: Final = r"""import requests
import json
username="XXXX"
password="YYYY"
data = '{"query": "mutation signIn {signIn(useManagementflow: true, credentials: {userName: \\"%s\\", password: \\"%s\\"}) {accessToken refreshToken}}"}' %(username,password)
header = {
'Content-Type': 'application/json',
'Accept': '*/*'
}
a = requests.post('https://azp-primary-api.azurewebsites.net/graphql/',
headers=header, data=data)
res = json.loads(a.text)
access_token = res["data"]["signIn"]["accessToken"]
print(access_token)"""  # noqa: E501
_ADDRESS: Final = "https://azp-primary-api.azurewebsites.net/graphql/"
_QUERY: Final = '{companies(where:{company_number:{eq:"GP000042"}}){items{company_number company_name}}}'
_TAKE_OUT: Final = """python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["signIn"]["accessToken"])'"""


def sign_in_curl(address: str, email: str, password: str) -> str:
    """
    The curl command that signs in.

    Args:
        email, password: any text; it goes through GraphQL, JSON and the shell unharmed.
    """
    filled = {"'" + _ADDRESS: "'" + address, r"\"xxxx\"": _in_curl(email), r"\"yyyy\"": _in_curl(password)}
    return _replaced(_CURL, filled)


def query_curl(address: str, email: str, password: str) -> str:
    """Two shell commands: the token into a variable, and a query with it."""
    data = json.dumps({"query": _QUERY}, separators=(",", ":"))
    return (
        f"TOKEN=$({sign_in_curl(address, email, password)} | {_TAKE_OUT})\n"
        f"curl -s '{address}' --header 'Content-Type: application/json' --header \"Authorization: Bearer $TOKEN\" \\\n"
        f"--data '{data}'"
    )


def sign_in_python(address: str, email: str, password: str) -> str:
    """The Python program that signs in. Its author puts the texts in as they are: no quotes, no backslashes in them."""
    return _replaced(_PYTHON, {_ADDRESS: address, '"XXXX"': json.dumps(email), '"YYYY"': json.dumps(password)})


def _in_curl(text: str) -> str:
    """Text as a GraphQL string, within a JSON string, within single quotes of a shell."""
    graphql = json.dumps(text)
    return json.dumps(graphql)[1:-1].replace("'", r"'\''")


def _replaced(template: str, filled: dict[str, str]) -> str:
    for placeholder, value in filled.items():
        template = template.replace(placeholder, value)
    return template
