"""
Whether the clock tells who has an account when passwords are of one byte, of a kilobyte, or of a hundred.

At each door and size one sign-in after the other, whoever it is for in turn, 200 of each in a round, by accounts that
no other door asks for. A hundred kilobytes are no password: GraphQL refuses it at the cost of a wrong one, the page
before it looks at any. Those who have to wait are measured as well, known and unknown: they cost no hash.
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from benchmarks.harness import load
from benchmarks.harness.alike import REACH, SAMPLES, UNLIMITED, Door, form
from benchmarks.harness.installation import Installation, credentials, installation, now, opened
from benchmarks.harness.pace import FULL, Pace
from benchmarks.harness.report import Goal, Report
from gatepass.domain.account import Account, EmailAddress
from gatepass.domain.client import Client, ClientAuthentication, GrantType
from gatepass.domain.identifiers import RANDOM_BYTES, AccountId, uuid7
from gatepass.domain.secret import Secret
from gatepass.oauth.form import MAX_FORM_BYTES
from gatepass.usecases.ports import Store, StoredClient

SIZES: Final = {"1 B": 1, "1 kB": 1_000, "100 kB": 100_000}
HASHING_ROUNDS, ROUNDS = 2, 9
"""Those that take a hash are few: it takes long."""
CALLBACK: Final = "https://client.example/callback"
WAITING: Final = {
    **UNLIMITED,
    "GATEPASS_THROTTLE_ACCOUNT_FAILURES": "1",
    "GATEPASS_THROTTLE_FIRST_DELAY_SECONDS": "3600",
    "GATEPASS_THROTTLE_LONGEST_DELAY_SECONDS": "3600",
}
DEAR: Final = Secret("$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43)
KINDS: Final = {
    "wrong": "wrong password",
    "whois": "unknown account",
    "ended": "disabled",
    "robot": "without a password",
}
KINDS_DEAR: Final = {**KINDS, "dearp": "a hash too dear to compute"}
"""By the first letters of their names, which are of one length: the page says again who was typed in."""
QUERY: Final = (
    "mutation($user: String!, $password: String!) {signIn(useManagementflow: true, "
    "credentials: {userName: $user, password: $password}) {accessToken}}"
)


@dataclass
class People:
    """Accounts of every kind, a new set for whoever asks; and the client whose page they use."""

    store: Store
    password_hash: Secret[str] | None
    client_id: str
    sets: int = 0

    async def another(self) -> Mapping[str, str]:
        """The names of a new set, by kind."""
        self.sets += 1
        hashes = {"wrong": self.password_hash, "ended": self.password_hash, "robot": None, "dearp": DEAR}
        names = {kind: EmailAddress(f"{kind}{self.sets:03}@example.org") for kind in KINDS_DEAR}
        for kind, password_hash in hashes.items():
            account = Account(AccountId(uuid.uuid4()), names[kind], (), now())
            await self.store.accounts.add(account, password_hash)
            if kind == "ended":
                await self.store.accounts.set_enabled(account.id, enabled=False, now=now())
        return {KINDS_DEAR[kind]: name for kind, name in names.items()}


def main(pace: Pace = FULL) -> Report:
    """Measure, report."""
    with installation() as made:
        return asyncio.run(_measure(made, pace))


async def _measure(made: Installation, pace: Pace) -> Report:
    samples = max(round(SAMPLES * pace.share), 20)
    doors: list[Door] = []
    async with opened(made.store_url) as store:
        client = _client()
        await store.clients.add(StoredClient(client, None))
        people = People(store, (await credentials(store)).password_hash, client.id)
        for is_waiting, settings in ((False, UNLIMITED), (True, WAITING)):
            with ExitStack() as stack:
                port = stack.enter_context(made.serve(settings=settings)).port
                asked = await _doors(people, port, is_waiting=is_waiting)
                for door in asked:
                    await asyncio.to_thread(Door("", door.cases, says=b"HTTP/1.1 ").round, port, 10)
                    for _ in range(pace.rounds(door.rounds)):
                        await asyncio.to_thread(door.round, port, samples)
                doors += asked
    return Report(
        name="spying_sizes",
        title="Refused sign-ins by the size of the password, by the clock",
        setting=(
            f"One connection to the real server, {samples} sign-ins of each kind in a round, one after the other and "
            "in random order. A door's kinds are compared with its first one; the goal is for the one that is farthest "
            "from it. 100 kB are above the 1,024 characters that a password may have."
        ),
        columns=("door", "refused for", "median ms", "against the first"),
        rows=[row for door in doors for row in door.rows()],
        goals=[Goal(door.name, door.farthest, REACH, at_most=True) for door in doors],
    )


async def _doors(people: People, port: int, *, is_waiting: bool) -> list[Door]:
    waits = ", has to wait" if is_waiting else ""
    doors: list[Door] = []
    for size, length in SIZES.items():
        password = "x" * length
        cases = {kind: _at_graphql(port, name, password) for kind, name in (await people.another()).items()}
        says = b"RATE_LIMITED" if is_waiting else b"INVALID_CREDENTIALS"
        doors.append(Door(f"signIn, {size}{waits}", cases, rounds=ROUNDS if is_waiting else HASHING_ROUNDS, says=says))
        names = (await people.another()).items()
        cases = {kind: _at_the_page(port, people.client_id, name, password) for kind, name in names}
        says = b"HTTP/1.1 413" if length > MAX_FORM_BYTES else b"HTTP/1.1 429" if is_waiting else b"HTTP/1.1 400"
        rounds = HASHING_ROUNDS if says.endswith(b"400") else ROUNDS
        doors.append(Door(f"page, {size}{waits}", cases, rounds=rounds, says=says))
    return doors


def _at_graphql(port: int, name: str, password: str) -> bytes:
    body = {"query": QUERY, "variables": {"user": name, "password": password}}
    return load.post(json.dumps(body).encode(), port)


def _at_the_page(port: int, client_id: str, name: str, password: str) -> bytes:
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "state": "s",
        "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
    }
    typed = {"username": name, "password": password, "answer": "allow"}
    return form(port, "/oauth/authorize", {**asked, **typed}, more="Sec-Fetch-Site: same-origin\r\n")


def _client() -> Client:
    return Client(
        id=str(uuid7(now(), os.urandom(RANDOM_BYTES))),
        name="A client",
        authentication=ClientAuthentication.NONE,
        grants=frozenset({GrantType.AUTHORIZATION_CODE}),
        scopes=None,
        redirect_uris=(CALLBACK,),
        created_at=now(),
    )
