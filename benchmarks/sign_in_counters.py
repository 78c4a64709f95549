"""
What counting attempts costs a sign-in: sign-ins a second with the counters, against the same server without them.

Each good sign-in takes and gives back an attempt, two changes of a few counters in the store. Both servers are on one
store and at their turn in each round. Each connection signs in to an account of its own, as people do.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import ExitStack

from benchmarks.harness import load
from benchmarks.harness.bodies import constant, sign_in_body
from benchmarks.harness.figures import Figure, ratio
from benchmarks.harness.installation import PASSWORD, Installation, credentials, installation, now, opened
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.processes import ServerProcess
from benchmarks.harness.report import Goal, Report
from benchmarks.sign_in import connections
from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.identifiers import AccountId

ROUNDS, SECONDS, REACH = 21, 2.0, 0.95


class Side:
    """One server, and its figures: sign-ins a second, and CPU milliseconds of the server itself for each."""

    def __init__(self, name: str, server: ServerProcess) -> None:
        self.name, self.server = name, server
        self.rate: list[float] = []
        self.server_ms: list[float] = []

    def round(self, seconds: float) -> None:
        """Measure once."""
        before = self.server.cpu_seconds
        bodies = [sign_in_body(_email(number), PASSWORD) for number in range(connections())]
        requests = [constant(load.post(body, self.server.port)) for body in bodies]
        outcome = load.run(load.drive(self.server.port, requests, seconds))
        self.rate.append(outcome.rate)
        self.server_ms.append((self.server.cpu_seconds - before) / outcome.answers * 1e3)

    def row(self) -> tuple[str, ...]:
        """Its line in the table."""
        return self.name, f"{Figure.of(self.rate).value:.1f}", f"{Figure.of(self.server_ms).value:.2f}"


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with installation() as made:
        asyncio.run(_enrol(made))
        return _measure(made, pace)


async def _enrol(made: Installation) -> None:
    async with opened(made.store_url) as store:
        stored = await credentials(store)
        for number in range(connections()):
            account = Account(AccountId(uuid.uuid4()), EmailAddress(_email(number)), (), now())
            await store.accounts.add(account, stored.password_hash)


def _email(number: int) -> str:
    return f"person{number}@example.org"


def _measure(made: Installation, pace: Pace) -> Report:
    with ExitStack() as stack:
        counted = Side("attempts counted", stack.enter_context(made.serve()))
        uncounted = Side("not counted", stack.enter_context(made.serve(change="no-counters")))
        for side in (counted, uncounted):
            Side("", side.server).round(0.5)
        for side in pace.turns([counted, uncounted], ROUNDS):
            side.round(SECONDS)
    return Report(
        name="sign_in_counters",
        title="Sign-ins a second with and without counted attempts",
        setting=(
            f"{connections()} connections, each with its account, sign in over HTTP to two servers in turn, both with "
            "Argon2id at its default parameters and one store on the disk, durable. One of them lets every attempt "
            "through and counts none."
        ),
        columns=("", "sign-ins/s", "CPU ms of the server itself"),
        rows=[counted.row(), uncounted.row()],
        goals=[
            Goal("sign-ins with counters against without", ratio(counted.rate, uncounted.rate), REACH, at_most=False)
        ],
    )
