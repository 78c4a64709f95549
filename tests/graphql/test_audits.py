"""
GraphQL over HTTP, as the public audit suite of the npm package `graphql-http` asks for it.

Each audit is stated again here and always runs; where Node and the npm registry are there, the suite itself runs too,
against a real server. Not one warning is accepted.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from tests.graphql.world import Api

SUITE = "graphql-http@1.23.1"
RUN_SUITE = """
const { serverAudits } = require("graphql-http");
(async () => {
  const results = [];
  for (const audit of serverAudits({ url: process.argv[1] })) {
    const { id, name, status, reason } = await audit.fn();
    results.push({ id, name, status, reason });
  }
  console.log(JSON.stringify(results));
})();
"""

GRAPHQL, JSON = "application/graphql-response+json", "application/json"
TYPENAME = {"query": "{ __typename }"}
TYPE = "query Type($name: String!) { __type(name: $name) { name } }"
COERCE = {"query": "query CoerceFailure($id: ID!){ __typename }", "variables": {"id": None}}
NO_SUCH_FIELD = {"query": "{ 8f31403dfe404bccbb0e835f2629c6a7 }"}
NOT_A_MAP: tuple[Any, ...] = ("string", 0, False, ["array"])
NOT_A_STRING: tuple[Any, ...] = ({"obj": "ect"}, 0, False, ["array"])


@pytest.fixture
async def client(api: Api) -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client of the endpoint; it sends no Accept of its own."""
    transport = httpx2.ASGITransport(api.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        del client.headers["accept"]
        yield client


Sent = tuple[int, str, Any]


async def post(client: httpx2.AsyncClient, body: object, accept: str | None = None) -> Sent:
    """Status, content type and body of the answer to a POST; a text is sent as it is."""
    headers = {"content-type": JSON, **({"accept": accept} if accept else {})}
    content = body if isinstance(body, str) else json.dumps(body)
    answer = await client.post("/graphql", content=content, headers=headers)
    return answer.status_code, answer.headers["content-type"], answer.json()


@pytest.mark.parametrize(("accept", "expected"), [(GRAPHQL, GRAPHQL), (JSON, JSON), ("*/*", JSON), (None, JSON)])
async def test_audits_of_media_types(client: httpx2.AsyncClient, accept: str | None, expected: str) -> None:
    """22EB, 4655, 47DE, 80D8, 82A3, 78D5, 2C94, 03D4, 34A2, 13EE."""
    status, content_type, body = await post(client, TYPENAME, accept)
    assert (status, body) == (200, {"data": {"__typename": "Query"}})
    assert content_type == f"{expected}; charset=utf-8"


async def test_audit_of_utf_8_requests(client: httpx2.AsyncClient) -> None:
    """BF61."""
    document = '{ __type(name: "Run\U0001f3c3Swim\U0001f3ca") { name } }'
    headers = {"content-type": "application/json; charset=utf-8"}
    body = json.dumps({"query": document}, ensure_ascii=False).encode()
    answer = await client.post("/graphql", content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"data": {"__type": None}})


async def test_audits_of_get(client: httpx2.AsyncClient) -> None:
    """5A70, 9C48, D6D5, 6A70."""
    assert (await client.get("/graphql", params=TYPENAME)).status_code == 200
    mutation = await client.get("/graphql", params={"query": "mutation { __typename }"}, headers={"accept": GRAPHQL})
    assert (mutation.status_code, mutation.headers["allow"]) == (405, "POST")
    for accept in (GRAPHQL, JSON):
        variables = json.dumps({"name": "sometype"})
        answer = await client.get(
            "/graphql", params={"query": TYPE, "variables": variables}, headers={"accept": accept}
        )
        assert (answer.status_code, "errors" in answer.json()) == (200, False)


async def test_audits_of_the_body_itself(client: httpx2.AsyncClient) -> None:
    """9ABE, A5BF, B6DC, BCF8, B7N8."""
    untyped = await client.post("/graphql", content=json.dumps(TYPENAME).encode())
    assert untyped.status_code == 415
    assert (await post(client, ""))[0] == 400
    for accept in (JSON, GRAPHQL):
        assert (await post(client, '{ "not a JSON', accept))[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        {"notquery": "{ __typename }"},
        {"qeury": "{ __typename }"},
        *({"query": value} for value in NOT_A_STRING),
        *({**TYPENAME, "operationName": value} for value in NOT_A_STRING),
        *({**TYPENAME, "variables": value} for value in NOT_A_MAP),
        *({**TYPENAME, "extensions": value} for value in NOT_A_MAP),
    ],
)
@pytest.mark.parametrize("accept", [None, GRAPHQL])
async def test_audits_of_malformed_parameters(client: httpx2.AsyncClient, body: object, accept: str | None) -> None:
    """423L, LKJ0-3, 6C00-3, 4760-3, 58B0-3, 8764, 3E3A."""
    assert (await post(client, body, accept))[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        {"query": "query Query { __typename }", "operationName": "Query"},
        *({**TYPENAME, name: None} for name in ("variables", "operationName", "extensions")),
        {"query": TYPE, "variables": {"name": "sometype"}},
        {**TYPENAME, "extensions": {"some": "value"}},
    ],
)
@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_audits_of_well_formed_parameters(client: httpx2.AsyncClient, body: object, accept: str) -> None:
    """8161, B8B3, 94B0-2, 0220-2, 2EA1, 28B9, 428F, 1B7A."""
    status, _, answer = await post(client, body, accept)
    assert (status, "errors" in answer) == (200, False)


@pytest.mark.parametrize("body", [{"query": "{"}, NO_SUCH_FIELD, {"query": "{ gatepass { nothing } }"}, COERCE])
async def test_audits_of_documents_that_cannot_be_executed(client: httpx2.AsyncClient, body: object) -> None:
    """572B, FDE2, 7B9B; 865D, 556A, D586, 51FE, 74FF, 5E5B, 86EE."""
    assert (await post(client, body, JSON))[0] == 200
    status, _, answer = await post(client, body, GRAPHQL)
    assert (status, "data" in answer) == (400, False)


# -- the suite itself -------------------------------------------------------------------------------------------------


async def run(*command: str, cwd: Path, patience_seconds: float) -> tuple[int, str]:
    """Exit status and output of a command; 1 where it takes too long."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    try:
        output, _ = await asyncio.wait_for(process.communicate(), patience_seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        return 1, "it took too long"
    return process.returncode or 0, output.decode()


@pytest.fixture
async def suite(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with the suite in it, kept between runs."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("there is no Node here: the audits ran as restated above")
    cache = getattr(request.config, "cache", None)
    folder: Path = cache.mkdir(SUITE) if cache is not None else tmp_path
    if not (folder / "node_modules" / "graphql-http").is_dir():
        (folder / "package.json").write_text("{}")
        status, _ = await run(
            npm, "install", "--no-audit", "--no-fund", "--silent", SUITE, "graphql@16", cwd=folder, patience_seconds=60
        )
        if status != 0:
            pytest.skip("the npm registry is out of reach: the audits ran as restated above")
    return folder


@pytest.fixture
async def server(api: Api) -> AsyncIterator[str]:
    """The address of a real server on loopback."""
    config = uvicorn.Config(api.app, port=0, lifespan="off", ws="none", log_level="critical")
    running = uvicorn.Server(config)
    task = asyncio.create_task(running.serve())
    while not running.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
        await asyncio.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/graphql"
    running.should_exit = True
    await task


async def test_every_audit_of_the_suite_passes_without_a_warning(suite: Path, server: str) -> None:
    """`graphql-http`, all of `serverAudits`: MUST, SHOULD and MAY."""
    status, output = await run("node", "-e", RUN_SUITE, server, cwd=suite, patience_seconds=60)
    assert status == 0, output
    results = json.loads(output)
    assert len(results) > 50
    assert [result for result in results if result["status"] != "ok"] == []
