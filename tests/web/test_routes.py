"""Which page a request gets, in which coding, and who gets none."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import gatepass.web.routes
from gatepass.http.messages import Answer, Request, Response
from gatepass.http.refusals import NotFound
from gatepass.web import GraphiqlPage, NotBuiltError, PlainPage, ide_or

BROWSER = b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A small build."""
    (tmp_path / "page.html").write_text('<html data-keeps-sign-in="yes"><script src="?ide=main.1.js"></script>')
    (tmp_path / "main.1.js.br").write_bytes(b"as Brotli")
    (tmp_path / "main.1.js.gz").write_bytes(gzip.compress(b"hello()"))
    (tmp_path / "manifest.json").write_text(json.dumps({"stamp": "1", "files": {"main.1.js": "text/javascript"}}))
    return tmp_path


async def the_api(request: Request) -> Answer:
    return Response(200, b"{}", [(b"content-type", b"application/json")], operation="query")


async def asks(
    ide: str, query: bytes = b"", *, method: str = "GET", accept: bytes = BROWSER, coding: bytes = b""
) -> Response:
    async def receive() -> dict[str, object]:
        raise AssertionError("nobody reads a body")

    headers = [(b"accept", accept), (b"accept-encoding", coding)]
    scope = {"type": "http", "method": method, "path": "/graphql/", "query_string": query, "headers": headers}
    answer = await ide_or(the_api, ide)(Request(scope, receive, request_id="1", client="127.0.0.1"))
    assert isinstance(answer, Response)
    return answer


def kind_of(answer: Response) -> str:
    body = gzip.decompress(answer.body) if (b"content-encoding", b"gzip") in answer.headers else answer.body
    if answer.operation == "query":
        return "the API"
    return "plain" if b'id="sign-in"' in body else "graphiql"


@pytest.fixture
def graphiql(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gatepass.web.routes, "GraphiqlPage", lambda **more: GraphiqlPage(built, **more))


@pytest.mark.usefixtures("graphiql")
@pytest.mark.parametrize(
    ("ide", "query", "kind"),
    [
        ("graphiql", b"", "graphiql"),
        ("graphiql", b"plain", "plain"),
        ("graphiql", b"plain=1&utm=x", "plain"),
        ("plain", b"", "plain"),
        ("plain", b"plain", "plain"),
        ("off", b"", "the API"),
        ("off", b"plain", "the API"),
        ("graphiql", b"query=%7B__typename%7D", "the API"),
    ],
)
async def test_the_setting_and_the_address_say_which_page(ide: str, query: bytes, kind: str) -> None:
    assert kind_of(await asks(ide, query)) == kind


@pytest.mark.usefixtures("graphiql")
@pytest.mark.parametrize("accept", [b"application/json", b"application/graphql-response+json", b"*/*", b""])
@pytest.mark.parametrize("query", [b"", b"plain", b"query=%7B__typename%7D"])
async def test_who_asks_for_json_never_gets_html(accept: bytes, query: bytes) -> None:
    assert kind_of(await asks("graphiql", query, accept=accept)) == "the API"


@pytest.mark.usefixtures("graphiql")
@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS"])
async def test_a_page_is_for_get(method: str) -> None:
    assert kind_of(await asks("graphiql", method=method)) == "the API"


@pytest.mark.usefixtures("graphiql")
@pytest.mark.parametrize(
    ("coding", "body", "header"),
    [
        (b"gzip, deflate, br", b"as Brotli", b"br"),
        (b"gzip", gzip.compress(b"hello()", mtime=0), b"gzip"),
        (b"br;q=0, gzip", gzip.compress(b"hello()", mtime=0), b"gzip"),
        (b"", b"hello()", None),
        (b"identity", b"hello()", None),
    ],
)
async def test_a_file_comes_in_the_coding_that_the_browser_takes(
    coding: bytes, body: bytes, header: bytes | None
) -> None:
    answer = await asks("graphiql", b"ide=main.1.js", accept=b"*/*", coding=coding)
    headers = dict(answer.headers)
    assert (gzip.decompress(answer.body) if header == b"gzip" else answer.body) == (
        gzip.decompress(body) if header == b"gzip" else body
    )
    assert headers.get(b"content-encoding") == header
    assert headers[b"cache-control"] == b"public, max-age=31536000, immutable"
    assert headers[b"vary"] == b"accept-encoding"


@pytest.mark.usefixtures("graphiql")
@pytest.mark.parametrize("name", [b"main.js", b"manifest.json", b"..%2fgraphiql.py", b"page.html", b"main.1.js.br"])
async def test_a_name_that_the_page_does_not_use_is_not_found(name: bytes) -> None:
    with pytest.raises(NotFound):
        await asks("graphiql", b"ide=" + name)


def test_the_policy_of_graphiql_is_strict(built: Path) -> None:
    policy = dict(GraphiqlPage(built).page().headers)[b"content-security-policy"].decode()
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == rules["worker-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert "eval" not in policy
    assert "*" not in policy
    assert "http" not in policy


def test_the_setting_reaches_both_pages(built: Path) -> None:
    for page in (GraphiqlPage(built, keeps_sign_in=False), PlainPage(keeps_sign_in=False)):
        assert b'data-keeps-sign-in="no"' in page.page().body


@pytest.mark.parametrize("damage", ["page.html", "main.1.js.br", "main.1.js.gz", "manifest.json"])
def test_an_unfinished_build_counts_as_none(built: Path, damage: str) -> None:
    (built / damage).unlink()
    with pytest.raises(NotBuiltError, match="gatepass ide build"):
        GraphiqlPage(built)


async def test_where_it_is_not_built_the_plain_page_stands_in_and_the_start_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gatepass.web.routes, "GraphiqlPage", lambda **more: GraphiqlPage(tmp_path, **more))
    notices: list[str] = []
    ide_or(the_api, "graphiql", on_notice=notices.append)
    assert notices == [
        "browsers get the plain page, because the GraphiQL page is not built: 'gatepass ide build' makes it"
    ]
    assert kind_of(await asks("graphiql")) == "plain"
    ide_or(the_api, "plain", on_notice=notices.append)
    assert len(notices) == 1


def test_a_build_that_takes_the_place_of_another_breaks_no_running_server(built: Path) -> None:
    page = GraphiqlPage(built)
    for path in built.iterdir():
        path.unlink()
    found = page.asset("main.1.js", b"br")
    assert found is not None
    assert found.body == b"as Brotli"
