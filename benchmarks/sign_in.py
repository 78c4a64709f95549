"""
Sign-ins a second over HTTP, against the bare hash ceiling of as many processes.

What is left over is all that Gatepass adds to a sign-in: HTTP, GraphQL, the store, two tokens, and the way to a hash
worker and back.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.harness import load
from benchmarks.harness.bodies import constant, sign_in_body
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.hash_loop import HashLoops, hash_loops
from benchmarks.harness.installation import EMAIL, PASSWORD, Installation, installation
from benchmarks.harness.machine import cores
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.processes import ServerProcess, cpu_seconds
from benchmarks.harness.report import Goal, Report

ROUNDS, SECONDS, REACH = 7, 2.0, 0.9


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
    bare, over_http = Rounds(), Rounds()
    with ExitStack() as stack:
        loops = stack.enter_context(hash_loops(len(cores()), PASSWORD, made.password_hash()))
        gatepass = stack.enter_context(made.serve())
        _sign_in(gatepass, 0.5)
        for side in pace.turns([bare, over_http], ROUNDS):
            if side is bare:
                _hash(loops, bare, SECONDS)
            else:
                _round(gatepass, over_http, SECONDS)
    return _report(bare, over_http)


def _hash(loops: HashLoops, rounds: Rounds, seconds: float) -> None:
    done = loops.measure(seconds)
    rounds.rate.append(done.rate)
    rounds.hashing_ms.append(done.cpu_seconds_each * 1e3)


def _round(gatepass: ServerProcess, rounds: Rounds, seconds: float) -> None:
    workers = gatepass.children()
    server_before, workers_before = gatepass.cpu_seconds, _total(workers)
    outcome = _sign_in(gatepass, seconds)
    rounds.rate.append(outcome.rate)
    rounds.server_ms.append((gatepass.cpu_seconds - server_before) / outcome.answers * 1e3)
    rounds.hashing_ms.append((_total(workers) - workers_before) / outcome.answers * 1e3)


def _sign_in(gatepass: ServerProcess, seconds: float) -> load.Outcome:
    request = load.post(sign_in_body(EMAIL, PASSWORD), gatepass.port)
    return load.run(load.drive(gatepass.port, [constant(request)] * connections(), seconds))


def _total(pids: Sequence[int]) -> float:
    return sum(cpu_seconds(pid) for pid in pids)


def _report(bare: Rounds, over_http: Rounds) -> Report:
    ceiling, rate = Figure.of(bare.rate).value, Figure.of(over_http.rate).value
    of_ceiling = ratio(over_http.rate, bare.rate)
    bare_ms, worker_ms, server_ms = (
        f"{Figure.of(rounds).value:.2f}" for rounds in (bare.hashing_ms, over_http.hashing_ms, over_http.server_ms)
    )
    return Report(
        name="sign_in",
        title="Sign-ins a second, against the bare hash ceiling",
        setting=(
            f"Argon2id with the default parameters, {len(cores())} hash processes at low priority on either side, all "
            f"cores for everybody. {connections()} connections sign in over HTTP, store on the disk, durable; the "
            "load client runs beside them. The bare processes check the same password in a loop."
        ),
        columns=("", "a second", "of the ceiling", "CPU ms a hash", "CPU ms of the server itself"),
        rows=[
            ("bare hash loop", f"{ceiling:.1f}", "1", bare_ms, "0"),
            ("signIn over HTTP", f"{rate:.1f}", f"{of_ceiling.value:.2f}", worker_ms, server_ms),
        ],
        goals=[Goal("sign-ins of the bare hash ceiling", of_ceiling, REACH, at_most=False)],
        bars=[Bar("bare hash loop", ceiling, is_peer=True), Bar("signIn over HTTP", rate)],
        mark=Mark(f"{REACH:g} of the ceiling", REACH * ceiling),
        unit="/s",
    )
