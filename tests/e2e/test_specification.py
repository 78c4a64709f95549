"""The specification's own examples, verbatim but for address, user and password, by the clients that it names."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.e2e.conftest import EMAIL, PASSWORD, PLAIN_PASSWORD, Site, site_before

PAGES = Path(__file__).parent / "specification"
ADDRESS = "https://azp-primary-api.azurewebsites.net/graphql/"
QUERY = '{companies(where:{company_number:{eq:"GP000042"}}){items{company_number company_name}}}'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, register: str) -> Iterator[Site]:
    """Yield one for all examples: they only sign in."""
    with site_before(register, tmp_path_factory.mktemp("site") / "gatepass") as site:
        yield site


def test_the_curl_line_signs_in(site: Site) -> None:
    """It is a shell command: it is run by a shell."""
    line = (PAGES / "sign_in.sh").read_text().replace(ADDRESS, site.address)
    line = line.replace("xxxx", EMAIL).replace("yyyy", PLAIN_PASSWORD)
    ran = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, timeout=60)
    pair = json.loads(ran.stdout)["data"]["signIn"]
    assert set(pair) == {"accessToken", "refreshToken"}
    assert _companies(site, {"Authorization": f"Bearer {pair['accessToken']}"}) == ["GP000042"]


def test_the_python_program_prints_an_access_token(site: Site) -> None:
    """With `Accept: */*` and the credentials inline, as it stands there."""
    program = (PAGES / "sign_in.py.txt").read_text().replace(ADDRESS, site.address)
    program = program.replace("XXXX", EMAIL).replace("YYYY", PLAIN_PASSWORD)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert _companies(site, {"Authorization": f"Bearer {ran.stdout.strip()}"}) == ["GP000042"]


def test_the_documents_of_the_ide_sign_in_and_refresh(site: Site) -> None:
    """The two mutations that people paste into the IDE."""
    sign_in = (PAGES / "sign_in.graphql").read_text().replace("xxxx", EMAIL).replace("yyyy", PLAIN_PASSWORD)
    pair = _post(site, sign_in)["data"]["signIn"]
    refresh = (PAGES / "sign_in_refresh.graphql").read_text().replace("zzzz", pair["refreshToken"])
    renewed = _post(site, refresh)["data"]["signInRefresh"]
    assert renewed["refreshToken"] != pair["refreshToken"]
    assert _companies(site, {"Authorization": f"Bearer {renewed['accessToken']}"}) == ["GP000042"]


@pytest.mark.parametrize("header", ["Authorization", "Authorisation", "authorisation"])
def test_both_spellings_of_the_header_are_taken(site: Site, header: str) -> None:
    """The specification writes "Authorisation"; the standard is "Authorization"."""
    assert _companies(site, {header: f"Bearer {_sign_in(site)}"}) == ["GP000042"]


def test_two_headers_that_differ_are_refused(site: Site) -> None:
    """400: which of the two counts is where attacks live."""
    token = _sign_in(site)
    headers = {"Authorization": f"Bearer {token}", "Authorisation": "Bearer something.else.here"}
    assert requests.post(site.address, json={"query": QUERY}, headers=headers, timeout=30).status_code == 400


def test_both_spellings_of_the_path_answer_without_redirect(site: Site) -> None:
    """`/graphql/` and `/graphql`."""
    for address in (site.address, site.address.rstrip("/")):
        answer = requests.post(address, json={"query": "{ __typename }"}, timeout=30, allow_redirects=False)
        assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})


def test_a_password_with_quotes_and_letters_of_the_world_signs_in(site: Site) -> None:
    """As a variable and as a literal."""
    literal = json.dumps(PASSWORD, ensure_ascii=False)
    document = (
        f'mutation {{ signIn(useManagementflow: true, credentials: {{ userName: "ben@example.org", '
        f"password: {literal} }}) {{ accessToken }} }}"
    )
    assert _post(site, document)["data"]["signIn"]["accessToken"]


def test_gql_signs_in_and_queries(site: Site) -> None:
    """A GraphQL client of the Python world, with its own introspection and documents."""
    gql = pytest.importorskip("gql")
    from gql.transport.requests import RequestsHTTPTransport

    anonymous = gql.Client(transport=RequestsHTTPTransport(url=site.address), fetch_schema_from_transport=True)
    with anonymous as session:
        request = gql.gql(
            "mutation signIn($c: SignInCredentials!)"
            " { signIn(useManagementflow: true, credentials: $c) { accessToken expiresIn } }"
        )
        request.variable_values = {"c": {"userName": EMAIL, "password": PLAIN_PASSWORD}}
        token = session.execute(request)["signIn"]["accessToken"]
    transport = RequestsHTTPTransport(url=site.address, headers={"Authorization": f"Bearer {token}"})
    _waits_for_the_upstreams_schema(site, token)
    with gql.Client(transport=transport, fetch_schema_from_transport=True) as session:
        assert session.execute(gql.gql(QUERY))["companies"]["items"][0]["company_number"] == "GP000042"


def _waits_for_the_upstreams_schema(site: Site, token: str) -> None:
    """The server reads it once it has begun to listen."""
    question = {"query": "{ __schema { queryType { fields { name } } } }"}
    headers, deadline = {"Authorization": f"Bearer {token}"}, time.monotonic() + 30
    while "companies" not in requests.post(site.address, json=question, headers=headers, timeout=30).text:
        assert time.monotonic() < deadline, "the upstream's schema was not read"
        time.sleep(0.05)


def _sign_in(site: Site) -> str:
    document = (PAGES / "sign_in.graphql").read_text().replace("xxxx", EMAIL).replace("yyyy", PLAIN_PASSWORD)
    token: str = _post(site, document)["data"]["signIn"]["accessToken"]
    return token


def _post(site: Site, query: str) -> dict[str, dict[str, dict[str, str]]]:
    answer = requests.post(site.address, json={"query": query}, timeout=30)
    parsed: dict[str, dict[str, dict[str, str]]] = answer.json()
    assert "errors" not in parsed, parsed
    return parsed


def _companies(site: Site, headers: dict[str, str]) -> list[str]:
    answer = requests.post(site.address, json={"query": QUERY}, headers=headers, timeout=30)
    return [item["company_number"] for item in answer.json()["data"]["companies"]["items"]]
