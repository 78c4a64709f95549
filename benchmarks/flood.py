"""
What a storm does to somebody who is signed in: slow connections, a flood of guesses and oversized queries at once.

500 connections send a byte of their head now and then, guesses come at ten times what the hash processes can do, at a
thousand accounts and at invented names, each from another network, and documents come that are larger than allowed;
meanwhile a signed-in user asks protected queries, refreshes, and health is looked at. Five seconds after its end
everything is measured once more.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.harness import load
from benchmarks.harness.bodies import constant, query_body, refresher, sign_in_body
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.installation import Installation, TokenPair, credentials, installation, now, opened
from benchmarks.harness.machine import cores
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.processes import ServerProcess, echo_server
from benchmarks.harness.report import Goal, Report
from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.identifiers import AccountId

ROUNDS, SECONDS, AFTER_SECONDS = 3, 4.0, 5.0
SLOW, QUERIES, PAUSE_SECONDS, ANSWER_BYTES = 500, 10, 0.05, 400
HASHES_A_SECOND_A_CORE, TIMES_CAPACITY, OVERSIZED_A_SECOND = 35, 10, 20
PEOPLE = 1000
BEHIND_A_PROXY = {"GATEPASS_TRUSTED_PROXIES": "127.0.0.1"}
"""So that each guess comes from where it says."""
REACH_P99, REACH_AFTER, REACH_MEMORY_MB = 3.0, 1.5, 400.0


@dataclass
class Storm:
    """Attackers of three kinds, who do not care for answers."""

    port: int
    sent: int = 0
    numbers: Iterator[int] = field(default_factory=itertools.count)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def begin(self) -> None:
        """Let them loose."""
        rate = HASHES_A_SECOND_A_CORE * TIMES_CAPACITY * len(cores())
        big = load.post(b'{"query":"{' + b"a" * 2_000_000 + b'}"}', self.port)
        self.tasks += [asyncio.create_task(self._slow(number)) for number in range(SLOW)]
        self.tasks += [asyncio.create_task(self._flood(self._guess, rate / 10)) for _ in range(10)]
        self.tasks.append(asyncio.create_task(self._flood(lambda: big, OVERSIZED_A_SECOND)))

    async def end(self) -> None:
        """All of them leave."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()

    async def _slow(self, number: int) -> None:
        await asyncio.sleep(number / SLOW)
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(b"POST /graphql HTTP/1.1\r\nHost: x\r\nX: ")
                while True:
                    writer.write(b"x")
                    await asyncio.sleep(1)
            finally:
                writer.transport.abort()

    def _guess(self) -> bytes:
        """Every other one at an account that is there."""
        number = next(self.numbers)
        name = f"person{number // 2 % PEOPLE}@example.org" if number % 2 else f"nobody{number}@example.org"
        head, _, body = load.post(sign_in_body(name, "not the right password"), self.port).partition(b"\r\n\r\n")
        network = b".".join(b"%d" % part for part in (11, *number.to_bytes(3, "big")))
        return head + b"\r\nX-Forwarded-For: " + network + b"\r\n\r\n" + body

    async def _flood(self, request: Callable[[], bytes], rate: float) -> None:
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, ConnectionError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    while True:
                        begun = time.perf_counter()
                        writer.write(request())
                        self.sent += 1
                        await reader.readuntil(b"\r\n\r\n")
                        await asyncio.sleep(max(0.0, 1 / rate - (time.perf_counter() - begun)))
                finally:
                    writer.transport.abort()


@dataclass
class Calm:
    """The figures of one state: p99 in ms, and memory of server and workers in MB, an entry for each round."""

    name: str
    p99: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    async def measure(
        self, server: ServerProcess, tokens: list[TokenPair], refresh: load.NextRequest, seconds: float
    ) -> None:
        """Ask and refresh for so long; each answer has to be one, and health has to be green."""
        body = query_body()
        requests = [constant(load.post(body, server.port, bearer=pair.access)) for pair in tokens]
        asked, _ = await asyncio.gather(
            load.drive(server.port, requests, seconds, pause=PAUSE_SECONDS),
            load.drive(server.port, [refresh], seconds, pause=PAUSE_SECONDS),
        )
        self.p99.append(asked.percentile(0.99) * 1e3)
        self.memory.append(server.resident_bytes / 1e6)
        for path in ("/livez", "/readyz"):
            await _is_green(server.port, path)


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with installation() as made:
        return load.run(_measure(made, pace))


async def _measure(made: Installation, pace: Pace) -> Report:
    *tokens, another = await asyncio.to_thread(made.open_sessions, QUERIES + 1)
    await _enrol(made)
    idle, storm, after = Calm("idle"), Calm("in the storm"), Calm(f"{AFTER_SECONDS:g} s after it")
    with ExitStack() as stack:
        upstream = stack.enter_context(echo_server(ANSWER_BYTES, has_schema=True))
        server = stack.enter_context(made.serve(f"http://127.0.0.1:{upstream.port}/graphql", settings=BEHIND_A_PROXY))
        attackers, refresh = Storm(server.port), refresher(another.refresh, server.port, inline=False)
        await Calm("to warm up").measure(server, tokens, refresh, 1.0)
        for _ in pace.turns([idle], ROUNDS):
            await idle.measure(server, tokens, refresh, SECONDS)
            attackers.begin()
            await asyncio.sleep(2)
            await storm.measure(server, tokens, refresh, SECONDS)
            await attackers.end()
            await asyncio.sleep(AFTER_SECONDS)
            await after.measure(server, tokens, refresh, SECONDS)
    return _report(idle, storm, after, attackers.sent)


async def _enrol(made: Installation) -> None:
    async with opened(made.store_url) as store:
        password_hash = (await credentials(store)).password_hash
        people = [
            Account(AccountId(uuid.uuid4()), EmailAddress(f"person{number}@example.org"), (), now())
            for number in range(PEOPLE)
        ]
        await asyncio.gather(*(store.accounts.add(each, password_hash) for each in people))


async def _is_green(port: int, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        async with asyncio.timeout(5):
            answer = await reader.read()
    finally:
        writer.close()
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise load.RefusedError(f"{path} is not green: {answer[:60]!r}")


def _report(idle: Calm, storm: Calm, after: Calm, sent: int) -> Report:
    calm = Figure.of(idle.p99).value
    memory = Figure.of(storm.memory)
    return Report(
        name="flood",
        title="A signed-in user's queries while the server is attacked",
        setting=(
            f"{SLOW} connections that send a byte a second, guesses at {TIMES_CAPACITY} times what {len(cores())} hash "
            f"processes can do ({sent} requests in all), each from another network, every other one at one of {PEOPLE} "
            f"accounts and the rest at invented names, {OVERSIZED_A_SECOND} bodies of 2 MB a second; the attackers run "
            f"beside the server. {QUERIES} connections ask one protected query each {PAUSE_SECONDS * 1e3:.0f} ms; "
            "one refreshes; all succeed, and health is green."
        ),
        columns=("", "p99 ms", "memory MB"),
        rows=[
            (state.name, f"{Figure.of(state.p99).value:.2f}", f"{Figure.of(state.memory).value:.0f}")
            for state in (idle, storm, after)
        ],
        goals=[
            Goal("p99 of queries in the storm against idle", ratio(storm.p99, idle.p99), REACH_P99, at_most=True),
            Goal("p99 five seconds later against idle", ratio(after.p99, idle.p99), REACH_AFTER, at_most=True),
            Goal("memory of the server in the storm, MB", memory, REACH_MEMORY_MB, at_most=True),
        ],
        bars=[
            Bar("idle", calm, is_peer=True),
            Bar("in the storm", Figure.of(storm.p99).value),
            Bar("5 s after it", Figure.of(after.p99).value),
        ],
        mark=Mark(f"{REACH_P99:g} times idle", REACH_P99 * calm),
        unit="ms p99",
    )
