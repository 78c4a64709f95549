"""
Sign-ins a second over HTTP, against the bare hash ceiling of as many processes, and against the least application.

What is missing to the ceiling is all that a sign-in is besides hashing: HTTP, GraphQL, the store, two tokens, and the
way to a hash worker and back. How much of that anybody has to spend is what `harness.bare_sign_in` shows.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

from benchmarks.harness import load
from benchmarks.harness.bodies import constant, sign_in_body
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.hash_loop import HashLoops, hash_loops
from benchmarks.harness.installation import EMAIL, PASSWORD, Installation, installation
from benchmarks.harness.machine import cores
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.processes import ServerProcess, cpu_seconds, free_port, server
from benchmarks.harness.report import Goal, Report

ROUNDS, SECONDS, REACH = 15, 2.0, 0.9


@dataclass
class Rounds:
    """Of one side: sign-ins or hashes a second, and CPU milliseconds of each."""

    rate: list[float] = field(default_factory=list)
    hashing_ms: list[float] = field(default_factory=list)
    server_ms: list[float] = field(default_factory=list)


def connections() -> int:
    """As many clients as keep every hash process busy."""
    return max(8, 4 * len(cores()))


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with installation() as made:
        return _measure(made, pace)


def _measure(made: Installation, pace: Pace) -> Report:
    bare, least, over_http = Rounds(), Rounds(), Rounds()
    with ExitStack() as stack:
        loops = stack.enter_context(hash_loops(len(cores()), PASSWORD, made.password_hash()))
        servers = {
            id(least): stack.enter_context(_bare_sign_in(made)),
            id(over_http): stack.enter_context(made.serve()),
        }
        for warming in servers.values():
            _sign_in(warming, 0.5)
        for side in pace.turns([bare, least, over_http], ROUNDS):
            if side is bare:
                _hash(loops, bare, SECONDS)
            else:
                _round(servers[id(side)], side, SECONDS)
    return _report(bare, least, over_http)


def _bare_sign_in(made: Installation) -> AbstractContextManager[ServerProcess]:
    port, module = free_port(), "benchmarks.harness.bare_sign_in"
    return server([sys.executable, "-m", module, str(port), str(made.folder / "bare.db"), made.password_hash()], port)


def _hash(loops: HashLoops, rounds: Rounds, seconds: float) -> None:
    done = loops.measure(seconds)
    rounds.rate.append(done.rate)
    rounds.hashing_ms.append(done.cpu_seconds_each * 1e3)


def _round(asked: ServerProcess, rounds: Rounds, seconds: float) -> None:
    workers = asked.children()
    server_before, workers_before = asked.cpu_seconds, _total(workers)
    outcome = _sign_in(asked, seconds)
    rounds.rate.append(outcome.rate)
    rounds.server_ms.append((asked.cpu_seconds - server_before) / outcome.answers * 1e3)
    rounds.hashing_ms.append((_total(workers) - workers_before) / outcome.answers * 1e3)


def _sign_in(asked: ServerProcess, seconds: float) -> load.Outcome:
    request = load.post(sign_in_body(EMAIL, PASSWORD), asked.port)
    return load.run(load.drive(asked.port, [constant(request)] * connections(), seconds))


def _total(pids: Sequence[int]) -> float:
    return sum(cpu_seconds(pid) for pid in pids)


def _report(bare: Rounds, least: Rounds, over_http: Rounds) -> Report:
    ceiling = Figure.of(bare.rate).value
    of_ceiling, of_least = ratio(over_http.rate, bare.rate), ratio(over_http.rate, least.rate)
    return Report(
        name="sign_in",
        title="Sign-ins a second, against the bare hash ceiling",
        setting=(
            f"Argon2id with the default parameters, {len(cores())} hash processes at low priority on each side, all "
            f"cores for everybody. {connections()} connections sign in over HTTP, store on the disk, durable; the "
            "load client runs beside them. The bare processes check the same password in a loop. The least application "
            "is bare uvicorn over the same hash workers: it commits the attempt, has the password checked, commits a "
            "session, signs a token, and does nothing else."
        ),
        columns=("", "a second", "of the ceiling", "CPU ms a hash", "CPU ms of the server itself"),
        rows=[
            _row("bare hash loop", bare, bare),
            _row("the least application", least, bare),
            _row("signIn over HTTP", over_http, bare),
        ],
        goals=[
            Goal("sign-ins of the bare hash ceiling", of_ceiling, REACH, at_most=False),
            Goal("sign-ins of the least application", of_least, REACH, at_most=False),
        ],
        bars=[
            Bar("bare hash loop", ceiling, is_peer=True),
            Bar("the least application", Figure.of(least.rate).value, is_peer=True),
            Bar("signIn over HTTP", Figure.of(over_http.rate).value),
        ],
        mark=Mark(f"{REACH:g} of the ceiling", REACH * ceiling),
        unit="/s",
    )


def _row(name: str, rounds: Rounds, bare: Rounds) -> tuple[str, ...]:
    return (
        name,
        f"{Figure.of(rounds.rate).value:.1f}",
        f"{ratio(rounds.rate, bare.rate).value:.2f}",
        f"{Figure.of(rounds.hashing_ms).value:.2f}",
        f"{Figure.of(rounds.server_ms).value:.2f}" if rounds.server_ms else "-",
    )
