"""
What the gateway costs: a protected query to a trivial upstream and back, against a bare uvicorn echo and nginx.

The echo answers by itself, so it bounds what an ASGI server can do at all. nginx forwards to the same upstream and
checks nothing.
"""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.harness import load
from benchmarks.harness.bodies import constant, query_body
from benchmarks.harness.contest import COLUMNS, Contestant, hold
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.installation import Installation, TokenPair, installation
from benchmarks.harness.machine import load_cores, server_core
from benchmarks.harness.nginx import nginx, program
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.picture import Bar, Mark
from benchmarks.harness.processes import ServerProcess, echo_server
from benchmarks.harness.report import Goal, Report

CONNECTIONS, ROUNDS, SECONDS, ANSWER_BYTES = 64, 11, 1.2, 400
REACH = 5.0


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with installation() as made:
        return _measure(made, pace)


def _measure(made: Installation, pace: Pace) -> Report:
    tokens = made.open_sessions(CONNECTIONS)
    with ExitStack() as stack:
        upstream = stack.enter_context(echo_server(ANSWER_BYTES, has_schema=True, cores=load_cores()))
        echo = stack.enter_context(echo_server(ANSWER_BYTES, cores=server_core()))
        gatepass = stack.enter_context(made.serve(f"http://127.0.0.1:{upstream.port}/graphql", cores=server_core()))
        contestants = [_asking("uvicorn echo", echo, tokens), _asking("Gatepass", gatepass, tokens)]
        if program():
            proxy = stack.enter_context(nginx(upstream.port, cores=server_core()))
            contestants.append(_asking("nginx proxy_pass", proxy, tokens))
        hold(contestants, pace, ROUNDS, SECONDS)
    return _report(*contestants)


def _asking(name: str, server: ServerProcess, tokens: list[TokenPair]) -> Contestant:
    body = query_body()
    requests = [load.post(body, server.port, bearer=pair.access) for pair in tokens]
    return Contestant(name, server, [constant(request) for request in requests])


def _report(echo: Contestant, gatepass: Contestant, proxy: Contestant | None = None) -> Report:
    contestants = [echo, gatepass, *([proxy] if proxy else [])]
    rows = [contestant.row(echo) for contestant in contestants]
    if proxy is None:
        rows.append(("nginx is not installed", *("-" for _ in COLUMNS[1:])))
    return Report(
        name="protected_query",
        title="A protected query through the gateway, on one core",
        setting=(
            f"The server alone on one core; the upstream, a process of its own, and the load client with {CONNECTIONS} "
            "connections on another. Every connection has a session and token of its own. CPU is that of the server's "
            "process, for nginx of master and worker; Gatepass writes its request log, nginx and the echo none."
        ),
        columns=COLUMNS,
        rows=rows,
        goals=[Goal("CPU against the echo", ratio(gatepass.cpu, echo.cpu), REACH, at_most=True)],
        bars=[Bar(it.name, Figure.of(it.cpu).value, is_peer=it is not gatepass) for it in contestants],
        mark=Mark(f"{REACH:g} times the echo", REACH * Figure.of(echo.cpu).value),
        unit="µs CPU",
    )
