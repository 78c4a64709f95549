"""
Durable refreshes over HTTP on one core, against a bare uvicorn echo of the same sizes.

Literals inline, as in the specification's curl line, against variables; `synchronous=FULL`, which survives power loss,
against NORMAL, which does not.
"""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.harness import load
from benchmarks.harness.bodies import answered_once, constant, refresh_body, refresher
from benchmarks.harness.contest import COLUMNS, Contestant, hold
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.installation import Installation, installation
from benchmarks.harness.machine import server_core
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.processes import ServerProcess, echo_server
from benchmarks.harness.report import Goal, Report

CONNECTIONS, ROUNDS, SECONDS = 64, 11, 1.2
REACH_ECHO, REACH_INLINE, REACH_NORMAL = 5.5, 1.1, 0.8


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with installation() as made, installation() as other:
        return _measure(made, other, pace)


def _measure(made: Installation, other: Installation, pace: Pace) -> Report:
    first, *tokens = (pair.refresh for pair in made.open_sessions(2 * CONNECTIONS + 1))
    others = [pair.refresh for pair in other.open_sessions(CONNECTIONS)]
    with ExitStack() as stack:
        full = stack.enter_context(made.serve(cores=server_core()))
        normal = stack.enter_context(other.serve(cores=server_core(), change="synchronous-normal"))
        request = refresh_body(first, inline=False)
        echo = stack.enter_context(echo_server(len(answered_once(full.port, request)), cores=server_core()))
        contestants = [
            Contestant("uvicorn echo", echo, [constant(load.post(request, echo.port))] * CONNECTIONS),
            _refreshing("variables", full, tokens[:CONNECTIONS], inline=False),
            _refreshing("inline", full, tokens[CONNECTIONS:], inline=True),
            _refreshing("variables, synchronous=NORMAL", normal, others, inline=False),
        ]
        hold(contestants, pace, ROUNDS, SECONDS)
    return _report(*contestants)


def _refreshing(name: str, server: ServerProcess, tokens: list[str], *, inline: bool) -> Contestant:
    return Contestant(name, server, [refresher(token, server.port, inline=inline) for token in tokens])


def _report(echo: Contestant, variables: Contestant, inline: Contestant, normal: Contestant) -> Report:
    contestants = (echo, variables, inline, normal)
    echo_cpu = Figure.of(echo.cpu).value
    return Report(
        name="sign_in_refresh",
        title="signInRefresh over HTTP on one core, durable",
        setting=(
            f"The server alone on one core, the load client with {CONNECTIONS} connections on another. Each refresh is "
            "a rotation, on the disk before it is answered, and presents the token of the one before. "
            "The echo reads the same request and answers as many bytes. CPU is that of the server's process, all its "
            "threads, with its request log."
        ),
        columns=COLUMNS,
        rows=[contestant.row(echo) for contestant in contestants],
        goals=[
            Goal("CPU against the echo", ratio(variables.cpu, echo.cpu), REACH_ECHO, at_most=True),
            Goal("CPU, inline against variables", ratio(inline.cpu, variables.cpu), REACH_INLINE, at_most=True),
            Goal("refreshes/s, FULL against NORMAL", ratio(variables.rate, normal.rate), REACH_NORMAL, at_most=False),
        ],
        bars=[Bar(it.name, Figure.of(it.cpu).value, is_peer=it in (echo, normal)) for it in contestants],
        mark=Mark(f"{REACH_ECHO:g} times the echo", REACH_ECHO * echo_cpu),
        unit="µs CPU",
    )
