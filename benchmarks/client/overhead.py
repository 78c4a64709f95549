"""What a call of the client costs beside one of bare httpx2: across ten expiries of its token, and without any."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx2

from benchmarks.client.measured_server import MeasuredServer, measured_server
from benchmarks.client.token_server import Figures
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.machine import load_cores, pinned, server_core
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.report import Goal, Report
from gatepass.client import AsyncClient, Client
from gatepass.client.stored import margin_seconds

CALLS, THREADS, TASKS, EXPIRIES = 1000, 16, 64, 10
# Those without expiries are short.
ROUNDS, SHORT_ROUNDS = 4, 15
LIFE_SECONDS, LONG_LIFE_SECONDS = 1.0, 3600.0
# All calls last so long together that this many lives end meanwhile, with one in reserve.
ALL_CALLS_SECONDS = (EXPIRIES + 1) * (LIFE_SECONDS - margin_seconds(LIFE_SECONDS))
# Ten times within the calls a token is used up, which the client cannot foresee.
GOOD_FOR = 95
REACH = 1.15
QUERY = "query ($n: String!) { company(company_number: $n) { company_number company_name } }"
VARIABLES = {"n": "GP000042"}
BODY = {"query": QUERY, "variables": VARIABLES}
LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=TASKS)


@dataclass
class Side:
    """One way to make the calls; an entry for each round."""

    name: str
    calls: Callable[[MeasuredServer], None]
    life_seconds: float = LONG_LIFE_SECONDS
    answer_seconds: float = 0.0
    good_for: int = 0
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    figures: list[Figures] = field(default_factory=list)

    @property
    def is_bare(self) -> bool:
        """Whether it is without the library."""
        return self.calls in (bare_threads, bare_tasks)

    def round(self, server: MeasuredServer) -> None:
        """All calls once."""
        server.begin(self.life_seconds, good_for=self.good_for, answer_seconds=self.answer_seconds)
        began, cpu_began = time.perf_counter(), time.process_time()
        self.calls(server)
        self.seconds.append(time.perf_counter() - began)
        self.cpu_seconds.append(time.process_time() - cpu_began)
        self.figures.append(server.figures())


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    plain = [
        Side("bare httpx2, 16 threads", bare_threads),
        Side("Client, 16 threads", threads),
        Side("bare httpx2, 64 tasks", bare_tasks),
        Side("AsyncClient, 64 tasks", tasks),
    ]
    ending = [_lasting(side, at_once) for side, at_once in zip(plain, (THREADS, THREADS, TASKS, TASKS), strict=True)]
    used_up = [Side(side.name, side.calls, good_for=GOOD_FOR) for side in plain if not side.is_bare]
    with measured_server(server_core()) as server, pinned(load_cores()):
        for side in plain:
            side.calls(server)
        for side in (*pace.turns(ending, ROUNDS), *pace.turns(plain, SHORT_ROUNDS)):
            side.round(server)
        for side in used_up:
            side.round(server)
    return _report(ending, plain, used_up)


def _lasting(side: Side, at_once: int) -> Side:
    """The same with answers that take their time, and, but for bare httpx2, tokens that end."""
    life = LONG_LIFE_SECONDS if side.is_bare else LIFE_SECONDS
    return Side(side.name, side.calls, life, answer_seconds=ALL_CALLS_SECONDS * at_once / CALLS)


def bare_threads(server: MeasuredServer) -> None:
    """As one would without the library."""
    with httpx2.Client(limits=LIMITS) as http, ThreadPoolExecutor(THREADS) as pool:
        headers = {"Authorization": f"Bearer {_token(server)}"}

        def one(_: int) -> None:
            http.post(server.address, json=BODY, headers=headers).raise_for_status().json()["data"]

        list(pool.map(one, range(CALLS)))


def threads(server: MeasuredServer) -> None:
    """The same with the library."""
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
                    (await http.post(server.address, json=BODY, headers=headers)).raise_for_status().json()["data"]

            await asyncio.gather(*(one() for _ in range(TASKS)))

    asyncio.run(everything())


def tasks(server: MeasuredServer) -> None:
    """The same with the library."""

    async def everything() -> None:
        numbers = iter(range(CALLS))
        async with AsyncClient(server.address, username="ada", password="x") as api:

            async def one() -> None:
                for _ in numbers:
                    await api(QUERY, VARIABLES)

            await asyncio.gather(*(one() for _ in range(TASKS)))

    asyncio.run(everything())


def _token(server: MeasuredServer) -> str:
    with Client(server.address, username="ada", password="x") as api:
        return api.token()


def _report(ending: list[Side], plain: list[Side], used_up: list[Side]) -> Report:
    across = [side for side in ending if not side.is_bare]
    return Report(
        name="client.overhead",
        title="A call of the client beside one of bare httpx2",
        setting=(
            f"{CALLS:,} queries over one pool of connections to a lean server on the other core; bare httpx2 posts "
            f"JSON, looks at the status and reads JSON. {len(ending[0].seconds)} rounds in turns across expiries, "
            f"{len(plain[0].seconds)} without. Across expiries: tokens of {LIFE_SECONDS:g} s, renewed a fifth of it "
            "ahead, and answers that take so long, from half to half more of the mean, that the queries last "
            f"{ALL_CALLS_SECONDS:.1f} s; bare httpx2 has one token for all. Without expiries: answers at once and "
            "tokens of an hour, which is the library's own cost for each call. A used-up token: the server refuses it "
            f"after {GOOD_FOR} operations, without warning, and what it refused is sent again."
        ),
        columns=("", "CPU µs a call", "time µs a call", "expiries", "refreshes", "refused"),
        rows=[
            *(_row(f"{side.name}, {'slow answers' if side.is_bare else 'across expiries'}", side) for side in ending),
            *(_row(f"{side.name}, without expiries", side) for side in plain),
            *(_row(f"{side.name}, used-up tokens", side) for side in used_up),
        ],
        goals=[
            *_goals(ending, "across expiries"),
            *_goals(plain, "without"),
            Goal("refreshes for each expiry", _refreshes_an_expiry([*across, *used_up]), 1, at_most=True),
            Goal("expiries in a round", _least(across), EXPIRIES, at_most=False),
            Goal("operations of a round that a token came too late for", _most_refused(across), 0, at_most=True),
        ],
        bars=[
            *(Bar(side.name, _us(side.cpu_seconds), is_peer=True) for side in plain if side.is_bare),
            *(Bar(f"{side.name}, no expiry", _us(side.cpu_seconds)) for side in plain if not side.is_bare),
        ],
        mark=Mark("1.15 times bare, threads", REACH * _us(plain[0].cpu_seconds)),
        unit="µs",
    )


def _goals(sides: list[Side], when: str) -> list[Goal]:
    """For a bare side and ours in turns."""
    return [
        Goal(f"{what} a call to bare httpx2, {ours.name.partition(', ')[2]}, {when}", figure, REACH, at_most=True)
        for bare, ours in zip(sides[::2], sides[1::2], strict=True)
        for what, figure in (
            ("CPU", ratio(ours.cpu_seconds, bare.cpu_seconds)),
            ("time", ratio(ours.seconds, bare.seconds)),
        )
    ]


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


def _most_refused(sides: list[Side]) -> Figure:
    found = [float(each.refused) for side in sides for each in side.figures]
    return Figure(max(found), min(found), max(found))
