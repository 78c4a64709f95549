"""
Five hundred people at once at a real server, before a real API: each sees only what is theirs.

Their requests share connections on both sides of the gateway, and the API answers each after another time. Its answers
say for whom it was asked, by header and by assertion, and what; so does each event of a stream.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from graphql import build_schema, graphql_sync

from gatepass.domain.account import Account
from gatepass.http.asgi import Receive, Scope, Send
from gatepass.settings import Settings
from tests.e2e.conftest import Site, site_before
from tests.kit.crowd import enrolled
from tests.kit.http_api import on_http
from tests.kit.world import REFRESH, SIGN_IN, Tokens

PEOPLE, AT_ONCE, PASSWORD = 500, 50, "one password for everybody here"
QUERY, STREAM = "query($mark: Int!) { seen(mark: $mark) }", "subscription($mark: Int!) { seen(mark: $mark) }"
SCHEMA = build_schema("type Query { seen(mark: Int!): String } type Subscription { seen(mark: Int!): String }")
ROOM = {
    "GATEPASS_UPSTREAM_MAX_CONNECTIONS": str(2 * PEOPLE),
    "GATEPASS_UPSTREAM_ASSERTION": "true",
    "GATEPASS_WORKERS": "2",
}


class Api:
    """Says for whom it is asked. Streams begin when everybody has opened theirs."""

    def __init__(self) -> None:
        self.listening = 0
        self.everybody = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked, message = b"", dict[str, Any](more_body=True)
        while message.get("more_body"):
            message = dict(await receive())
            asked += message.get("body", b"")
        body = json.loads(asked)
        if "__schema" in body["query"]:
            await _answer(send, graphql_sync(SCHEMA, body["query"]).formatted)
            return
        seen = _asked_for(dict(scope["headers"])) | {"mark": body["variables"]["mark"]}
        if body["query"] == STREAM:
            await self._stream(send, seen)
            return
        await asyncio.sleep(random.random() / 100)
        await _answer(send, {"data": {"seen": json.dumps(seen)}})

    async def _stream(self, send: Send, seen: dict[str, Any]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        self.listening += 1
        if self.listening == PEOPLE:
            self.everybody.set()
        await self.everybody.wait()
        for _ in range(3):
            await asyncio.sleep(random.random() / 10)
            event = b"event: next\ndata: " + json.dumps({"data": {"seen": json.dumps(seen)}}).encode() + b"\n\n"
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"event: complete\ndata:\n\n"})


def _asked_for(headers: dict[bytes, bytes]) -> dict[str, Any]:
    claims = headers[b"x-gatepass-assertion"].split(b".")[1]
    return {
        "header": headers[b"x-gatepass-subject"].decode(),
        "assertion": json.loads(base64.urlsafe_b64decode(claims + b"==="))["sub"],
    }


async def _answer(send: Send, answer: object) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


class Crowd:
    """Everybody, on connections that they share."""

    def __init__(self, site: Site, client: httpx2.AsyncClient, accounts: Sequence[Account]) -> None:
        self.site, self.client, self.accounts = site, client, accounts
        self.tokens: list[Tokens] = []

    async def posts(self, query: str, bearer: str | None = None, **variables: object) -> Any:
        """The data that came."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        answer = await self.client.post(
            self.site.address, json={"query": query, "variables": variables}, headers=headers
        )
        body = answer.json()
        assert "errors" not in body, body
        return body["data"]

    async def signs_in(self) -> None:
        for start in range(0, len(self.accounts), AT_ONCE):
            several = self.accounts[start : start + AT_ONCE]
            found = [self.posts(SIGN_IN, userName=str(each.email), password=PASSWORD) for each in several]
            self.tokens += [_tokens(data["signIn"]) for data in await asyncio.gather(*found)]

    async def refresh(self) -> None:
        found = await asyncio.gather(*(self.posts(REFRESH, token=each.refresh) for each in self.tokens))
        self.tokens = [_tokens(data["signInRefresh"]) for data in found]

    async def seen(self) -> list[dict[str, Any]]:
        """What the API saw of each."""
        asked = (self.posts(QUERY, each.access, mark=mark) for mark, each in enumerate(self.tokens))
        return [json.loads(data["seen"]) for data in await asyncio.gather(*asked)]

    async def who_they_are(self) -> list[str]:
        """What Gatepass itself says of each."""
        asked = (self.posts("{ gatepass { account { id } } }", each.access) for each in self.tokens)
        return [data["gatepass"]["account"]["id"] for data in await asyncio.gather(*asked)]

    async def streamed(self) -> list[list[dict[str, Any]]]:
        """What the events of each said; all streams are open at once."""
        return await asyncio.gather(*(self._events(mark, each) for mark, each in enumerate(self.tokens)))

    async def _events(self, mark: int, tokens: Tokens) -> list[dict[str, Any]]:
        asked = {"query": STREAM, "variables": {"mark": mark}}
        headers = {"Authorization": f"Bearer {tokens.access}", "Accept": "text/event-stream"}
        async with self.client.stream("POST", self.site.address, json=asked, headers=headers) as answer:
            lines = [line async for line in answer.aiter_lines()]
        events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
        return [json.loads(event["data"]["seen"]) for event in events]


def _tokens(pair: dict[str, str]) -> Tokens:
    return Tokens(pair["accessToken"], pair["refreshToken"])


@asynccontextmanager
async def crowd(site: Site, connections: int) -> AsyncIterator[Crowd]:
    """So many connections for all."""
    accounts = await enrolled(Settings.load(environ=site.environ).store_url, PEOPLE, PASSWORD)
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with httpx2.AsyncClient(limits=limits, timeout=60) as client:
        everybody = Crowd(site, client, accounts)
        await everybody.signs_in()
        yield everybody


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Yield a server of two processes."""
    with on_http(Api()) as address, site_before(address, tmp_path / "gatepass", **ROOM) as site:
        yield site


async def test_each_of_five_hundred_sees_only_themselves_in_queries_and_streams(site: Site) -> None:
    async with crowd(site, connections=40) as everybody:
        ids = [str(account.id) for account in everybody.accounts]
        theirs = [{"header": id_, "assertion": id_, "mark": mark} for mark, id_ in enumerate(ids)]
        first, own, second = await asyncio.gather(everybody.seen(), everybody.who_they_are(), everybody.seen())
        assert (first, own, second) == (theirs, ids, theirs)
        refreshing = asyncio.gather(everybody.refresh(), everybody.seen())
        assert (await refreshing)[1] == theirs
        assert await everybody.seen() == theirs
    async with crowd_again(site, everybody, connections=PEOPLE) as listening:
        assert await listening.streamed() == [[each] * 3 for each in theirs]


@asynccontextmanager
async def crowd_again(site: Site, before: Crowd, connections: int) -> AsyncIterator[Crowd]:
    """The same people with other connections."""
    async with httpx2.AsyncClient(limits=httpx2.Limits(max_connections=connections), timeout=60) as client:
        again = Crowd(site, client, before.accounts)
        again.tokens = before.tokens
        yield again
