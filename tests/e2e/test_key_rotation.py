"""Keys change under load, on two server processes: no token that is valid is refused, and nothing fails."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.e2e.conftest import EMAIL, PLAIN_PASSWORD, Site, site_before
from tests.kit.processes import free_port, running
from tests.kit.world import REFRESH, SIGN_IN

QUERY = "{ companies { totalCount } }"
ROTATIONS = 10
SHORT = {
    "GATEPASS_KEY_MAX_AGE_SECONDS": "1.6",
    "GATEPASS_KEY_LEAD_SECONDS": "0.8",
    "GATEPASS_KEY_POLL_SECONDS": "0.1",
}
LONG = {"GATEPASS_KEY_POLL_SECONDS": "0.1"}


@dataclass
class Pair:
    """Two servers on one store."""

    site: Site
    addresses: tuple[str, str]

    def jwks(self) -> list[str]:
        return [address.replace("/graphql/", "/.well-known/jwks.json") for address in self.addresses]


@pytest.fixture
def pair(tmp_path: Path, register: str, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Yield two servers whose keys change as often as the test's parameter says."""
    with site_before(register, tmp_path / "gatepass", **request.param) as site:
        port = free_port()
        public = {"GATEPASS_PUBLIC_URL": site.address.removesuffix("/graphql/")}
        arguments = ("serve", "--upstream", register, "--port", str(port))
        with running(*arguments, environ={**site.environ, **public}) as server:
            server.says('"listening"', on="err")
            yield Pair(site, (site.address, f"http://127.0.0.1:{port}/graphql/"))


def key_id(access_token: str) -> str:
    head = access_token.partition(".")[0]
    kid: str = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    return kid


@dataclass
class Load:
    """People who sign in, refresh and query all the time, each time at another server."""

    pair: Pair
    client: httpx2.AsyncClient
    counts: dict[str, int] = field(default_factory=lambda: {"signIn": 0, "signInRefresh": 0, "query": 0})
    signed_by: dict[str, float] = field(default_factory=dict)
    published: list[dict[str, float]] = field(default_factory=lambda: [{}, {}])
    tokens: list[str] = field(default_factory=list)
    over: bool = False

    async def runs(self, until: Callable[[], bool], seconds: float) -> None:
        """Until that is so; every answer is a good one all the while."""
        people = [self._signs_in(), self._refreshes(), self._refreshes(), self._queries(), self._queries()]
        tasks = [asyncio.create_task(one) for one in (*people, self._fetches_keys())]
        deadline = time.monotonic() + seconds
        try:
            while not until():
                assert time.monotonic() < deadline, f"it took too long: {self.counts}"
                await asyncio.sleep(0.1)
                for task in tasks:
                    if task.done():
                        task.result()
        finally:
            self.over = True
            await asyncio.gather(*tasks)

    async def _signs_in(self) -> None:
        while not self.over:
            await self._pair("signIn", SIGN_IN, {"userName": EMAIL, "password": PLAIN_PASSWORD})
            await asyncio.sleep(0.05)

    async def _refreshes(self) -> None:
        """One sign-in for the whole time: its refresh tokens were made by one key after the other."""
        refresh = await self._pair("signIn", SIGN_IN, {"userName": EMAIL, "password": PLAIN_PASSWORD})
        while not self.over:
            refresh = await self._pair("signInRefresh", REFRESH, {"token": refresh})
            await asyncio.sleep(0.02)

    async def _queries(self) -> None:
        """With tokens of any age."""
        while not self.over:
            if self.tokens:
                token = random.choice((self.tokens[-1], random.choice(self.tokens)))
                answer = await self._post(QUERY, {}, {"Authorization": f"Bearer {token}"})
                assert answer["data"]["companies"]["totalCount"] > 0
                self.counts["query"] += 1
            await asyncio.sleep(0.01)

    async def _pair(self, name: str, query: str, variables: dict[str, str]) -> str:
        tokens = (await self._post(query, variables))["data"][name]
        self.counts[name] += 1
        self.tokens.append(tokens["accessToken"])
        self.signed_by.setdefault(key_id(tokens["accessToken"]), time.monotonic())
        refresh: str = tokens["refreshToken"]
        return refresh

    async def _post(self, query: str, variables: dict[str, str], headers: dict[str, str] | None = None) -> Any:
        address = random.choice(self.pair.addresses)
        body = {"query": query, "variables": variables}
        answer = await self.client.post(address, json=body, headers=headers)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        assert "errors" not in answer.json(), answer.text
        return answer.json()

    async def _fetches_keys(self) -> None:
        """As somebody does who verifies elsewhere."""
        while not self.over:
            for seen, url in zip(self.published, self.pair.jwks(), strict=True):
                for key in (await self.client.get(url)).json()["keys"]:
                    seen.setdefault(key["kid"], time.monotonic())
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("pair", [SHORT], indirect=True, ids=["short lives"])
async def test_ten_rotations_under_load_refuse_no_token_and_fail_nowhere(pair: Pair) -> None:
    """Each new key is published by both servers before anybody gets a token of it."""
    async with httpx2.AsyncClient(timeout=30) as client:
        load = Load(pair, client)
        await load.runs(lambda: len(load.signed_by) > ROTATIONS, seconds=90)
        assert min(load.counts.values()) > 2 * ROTATIONS, load.counts
        for number, (kid, first_token) in enumerate(load.signed_by.items()):
            for seen in load.published:
                assert number == 0 or seen[kid] < first_token, "a token came before its key was published"
    keys = json.loads(pair.site.operator("key", "list", "--json").stdout)
    for use in ("access", "refresh"):
        states = [key["state"] for key in keys if key["use"] == use]
        assert states.count("retiring") >= ROTATIONS
        assert states.count("active") == 1
    assert '"level":"error"' not in pair.site.server.err


@pytest.mark.parametrize("pair", [LONG], indirect=True, ids=["usual lives"])
async def test_rotations_at_once_refuse_no_token_either(pair: Pair) -> None:
    """`gatepass key rotate --now`, also for another algorithm: no lead, and yet every server knows the key in time."""
    algorithms = itertools.cycle(("EdDSA", "ES256"))

    async with httpx2.AsyncClient(timeout=30) as client:
        load = Load(pair, client)

        async def operate() -> None:
            for _ in range(3):
                pair.site.environ["GATEPASS_SIGNING_ALGORITHM"] = next(algorithms)
                await asyncio.to_thread(pair.site.operator, "key", "rotate", "--now")

        operating = asyncio.create_task(operate())
        await load.runs(lambda: operating.done() and len(load.signed_by) > 3, seconds=60)
        await operating


@pytest.mark.parametrize("pair", [LONG], indirect=True, ids=["usual lives"])
async def test_a_compromised_key_counts_nowhere_and_whoever_had_its_tokens_goes_on(pair: Pair) -> None:
    """Access ends within a second in every process, although tokens were remembered; refresh gives a good one."""
    async with httpx2.AsyncClient(timeout=30) as client:

        async def post(address: str, query: str, variables: dict[str, str], bearer: str = "") -> httpx2.Response:
            headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
            return await client.post(address, json={"query": query, "variables": variables}, headers=headers)

        first, second = pair.addresses
        signed_in = await post(first, SIGN_IN, {"userName": EMAIL, "password": PLAIN_PASSWORD})
        tokens = signed_in.json()["data"]["signIn"]
        for address in pair.addresses:
            assert (await post(address, QUERY, {}, tokens["accessToken"])).status_code == 200
        kid = key_id(tokens["accessToken"])
        await asyncio.to_thread(pair.site.operator, "key", "retire", "--now", "--yes", "--", kid)
        deadline = time.monotonic() + 1.0
        for address in pair.addresses:
            while (refused := await post(address, QUERY, {}, tokens["accessToken"])).status_code != 401:
                assert time.monotonic() < deadline, "the key still counts"
                await asyncio.sleep(0.02)
            assert refused.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        refreshed = await post(second, REFRESH, {"token": tokens["refreshToken"]})
        access = refreshed.json()["data"]["signInRefresh"]["accessToken"]
        for address in pair.addresses:
            assert (await post(address, QUERY, {}, access)).status_code == 200
        for url in pair.jwks():
            assert kid not in (await client.get(url)).text


@pytest.mark.parametrize("pair", [LONG], indirect=True, ids=["usual lives"])
async def test_the_secret_key_is_changed_while_servers_run(pair: Pair, register: str) -> None:
    """Neither of them is restarted, and both serve on; a new server starts with the new secret key alone."""
    site = pair.site
    async with httpx2.AsyncClient(timeout=30) as client:
        load = Load(pair, client)
        changing = asyncio.create_task(asyncio.to_thread(site.operator, "key", "reseal", "--new"))
        started = time.monotonic()
        await load.runs(lambda: changing.done() and time.monotonic() > started + 2, seconds=60)
        assert "2 of 2 keys sealed anew" in (await changing).stderr
        (site.data_dir / "secret.key.previous").unlink()
        port = str(free_port())
        public = {"GATEPASS_PUBLIC_URL": site.address.removesuffix("/graphql/")}
        with running("serve", "--upstream", register, "--port", port, environ={**site.environ, **public}) as server:
            await asyncio.to_thread(server.says, '"listening"', on="err")
            bearer = {"Authorization": f"Bearer {load.tokens[0]}"}
            answer = await client.post(f"http://127.0.0.1:{port}/graphql/", json={"query": QUERY}, headers=bearer)
            assert answer.status_code == 200, answer.text
