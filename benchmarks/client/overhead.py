"""What a call of the client costs beside one of bare httpx2, across ten expiries of its token, each renewed once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise

import httpx2

from benchmarks.client.measured_server import MeasuredServer, measured_server
from benchmarks.client.token_server import Figures
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.machine import load_cores, pinned, server_core
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.report import Goal, Report
from gatepass.client import AsyncClient, Client
from gatepass.client.exchange import Clocks
from gatepass.client.session import Session
from gatepass.client.stored import margin_seconds
from gatepass.client.tokens import Held

CALLS, THREADS, TASKS, EXPIRIES, ROUNDS = 1000, 16, 64, 10, 5
# Ten times within the calls a token is used up, which the client cannot foresee.
GOOD_FOR = 95
LIFE_SECONDS = 300.0
# As an API over the internet.
ANSWER_SECONDS = 0.1
REACH = 1.15
QUERY = "query ($n: String!) { company(company_number: $n) { company_number company_name } }"
VARIABLES = {"n": "GP000042"}
BODY = {"query": QUERY, "variables": VARIABLES}
LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=TASKS)


@dataclass
class Side:
    """One way to make the calls; an entry for each round."""

    name: str
    calls: Callable[[MeasuredServer], FastClock | None]
    is_bare: bool = False
    answer_seconds: float = 0.0
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    figures: list[Figures] = field(default_factory=list)

    def round(self, server: MeasuredServer, good_for: int = 0) -> None:
        """All calls once."""
        server.begin(LIFE_SECONDS, good_for=good_for, answer_seconds=self.answer_seconds)
        began, cpu_began = time.perf_counter(), time.process_time()
        clock = self.calls(server)
        self.seconds.append(time.perf_counter() - began)
        self.cpu_seconds.append(time.process_time() - cpu_began)
        figures = server.figures()
        if clock is not None:
            # By this clock tokens end, of which the server knows nothing.
            figures = replace(figures, expiries=clock.expiries, early=figures.refreshes - clock.expiries)
        self.figures.append(figures)


class FastClock:
    """A clock that ten lives of a token pass on within the calls: a little with each, however long it takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0.0
        self.issues: list[float] = []

    def __call__(self) -> float:
        """Its seconds now."""
        return self._now

    def turns(self, session: Session) -> None:
        """Be the clock of a client, and note when it asked for its tokens."""
        session.clocks, real = Clocks(self, time.time), session.take

        def noted(held: Held) -> Held:
            self.issues.append(held.until - held.lifetime_seconds)
            return real(held)

        session.take = noted  # type: ignore[method-assign]

    @property
    def expiries(self) -> int:
        """How many of them had come so near to their end that they had to be renewed."""
        margin = margin_seconds(LIFE_SECONDS)
        return sum(later - sooner >= LIFE_SECONDS - margin for sooner, later in pairwise(self.issues))

    def goes_on(self) -> None:
        """After each call."""
        with self._lock:
            self._now += LIFE_SECONDS * (EXPIRIES + 0.5) / CALLS


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    sides = [
        Side(f"{name}{after}", calls, is_bare=calls in (bare_threads, bare_tasks), answer_seconds=seconds)
        for seconds, after in ((ANSWER_SECONDS, ""), (0.0, ", answers at once"))
        for name, calls in (
            ("bare httpx2, 16 threads", bare_threads),
            ("Client, 16 threads", threads),
            ("bare httpx2, 64 tasks", bare_tasks),
            ("AsyncClient, 64 tasks", tasks),
        )
    ]
    surprised = [Side("16 threads", surprised_threads), Side("64 tasks", surprised_tasks)]
    with measured_server(server_core()) as server, pinned(load_cores()):
        for side in sides:
            side.calls(server)
        for side in pace.turns(sides, ROUNDS):
            side.round(server)
        for side in surprised:
            side.round(server, GOOD_FOR)
    return _report(sides, surprised)


def bare_threads(server: MeasuredServer) -> None:
    """As one would without the library."""
    with httpx2.Client(limits=LIMITS) as http, ThreadPoolExecutor(THREADS) as pool:
        headers = {"Authorization": f"Bearer {_token(server)}"}
        list(pool.map(lambda _: http.post(server.address, json=BODY, headers=headers).json()["data"], range(CALLS)))


def threads(server: MeasuredServer) -> FastClock:
    """The same with the library."""
    clock = FastClock()
    with Client(server.address, username="ada", password="x") as api, ThreadPoolExecutor(THREADS) as pool:
        clock.turns(api.session)

        def one(_: int) -> None:
            api(QUERY, VARIABLES)
            clock.goes_on()

        list(pool.map(one, range(CALLS)))
    return clock


def surprised_threads(server: MeasuredServer) -> None:
    """With the clock as it is."""
    with Client(server.address, username="ada", password="x") as api, ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: api(QUERY, VARIABLES), range(CALLS)))


def bare_tasks(server: MeasuredServer) -> None:
    """As one would without the library."""

    async def everything() -> None:
        headers = {"Authorization": f"Bearer {_token(server)}"}
        numbers = iter(range(CALLS))
        async with httpx2.AsyncClient(limits=LIMITS) as http:

            async def one() -> None:
                for _ in numbers:
                    (await http.post(server.address, json=BODY, headers=headers)).json()["data"]

            await asyncio.gather(*(one() for _ in range(TASKS)))

    asyncio.run(everything())


def tasks(server: MeasuredServer) -> FastClock:
    """The same with the library."""
    clock = FastClock()
    asyncio.run(_tasks(server, clock))
    return clock


def surprised_tasks(server: MeasuredServer) -> None:
    """With the clock as it is."""
    asyncio.run(_tasks(server, None))


async def _tasks(server: MeasuredServer, clock: FastClock | None) -> None:
    numbers = iter(range(CALLS))
    async with AsyncClient(server.address, username="ada", password="x") as api:
        if clock is not None:
            clock.turns(api.session)

        async def one() -> None:
            for _ in numbers:
                await api(QUERY, VARIABLES)
                if clock is not None:
                    clock.goes_on()

        await asyncio.gather(*(one() for _ in range(TASKS)))


def _token(server: MeasuredServer) -> str:
    with Client(server.address, username="ada", password="x") as api:
        return api.token()


def _report(sides: list[Side], surprised: list[Side]) -> Report:
    pairs = [(sides[1], sides[0]), (sides[3], sides[2])]
    ours = [*(side for side in sides if not side.is_bare), *surprised]
    return Report(
        name="client.overhead",
        title="A call of the client beside one of bare httpx2",
        setting=(
            f"{CALLS:,} queries over one pool of connections to a lean server on the other core. The client's clock is "
            f"turned on with each, so that {EXPIRIES} tokens of five minutes end meanwhile; bare httpx2 has one token "
            f"for all. {len(sides[0].seconds)} rounds in turns. A used-up token: the server refuses it after "
            f"{GOOD_FOR} operations, without warning. An answer takes {ANSWER_SECONDS * 1000:.0f} ms, or comes at "
            f"once. Where a token lives for a hundred calls, all of {TASKS} tasks wait at each renewal and go on at "
            "one moment; httpx2 then probes each idle connection for each request. See decision 0012."
        ),
        columns=("", "CPU µs a call", "time µs a call", "expiries", "refreshes", "refused"),
        rows=[
            *(_row(side.name, side) for side in sides),
            *(_row(f"used-up tokens, {side.name}", side) for side in surprised),
        ],
        goals=[
            *(
                Goal(f"{what} a call to bare httpx2, {one.name.partition(', ')[2]}", figure, REACH, at_most=True)
                for one, bare in pairs
                for what, figure in (
                    ("CPU", ratio(one.cpu_seconds, bare.cpu_seconds)),
                    ("time", ratio(one.seconds, bare.seconds)),
                )
            ),
            Goal("refreshes for each expiry", _refreshes_an_expiry(ours), 1, at_most=True),
            Goal("expiries in a round", _least([sides[1], sides[3]]), EXPIRIES - 1, at_most=False),
        ],
        bars=[Bar(side.name, _us(side.cpu_seconds), is_peer=side.is_bare) for side in sides],
        mark=Mark("1.15 times bare, threads", REACH * _us(sides[0].cpu_seconds)),
        unit="µs",
    )


def _row(name: str, side: Side) -> tuple[str, ...]:
    last = side.figures[-1]
    return (
        name,
        f"{_us(side.cpu_seconds):.0f}",
        f"{_us(side.seconds):.0f}",
        str(last.expiries),
        str(last.refreshes),
        str(last.refused),
    )


def _us(seconds: list[float]) -> float:
    return Figure.of(seconds).value / CALLS * 1e6


def _refreshes_an_expiry(sides: list[Side]) -> Figure:
    """The worst of all rounds."""
    found = [each.refreshes / max(each.expiries, 1) for side in sides for each in side.figures]
    return Figure(max(found), min(found), max(found))


def _least(sides: list[Side]) -> Figure:
    found = [float(each.expiries) for side in sides for each in side.figures]
    return Figure(min(found), min(found), max(found))
