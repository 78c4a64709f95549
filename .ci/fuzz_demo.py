"""
schemathesis in GraphQL mode against a running server: `fuzz_demo.py ADDRESS SECONDS`.

Who signs in is in USER_NAME and PASSWORD of the environment. Everything is tried signed in, so that the API behind the
gateway is asked as well. Each operation has a sign-in of its own: some of them end it.

Its own check takes every GraphQL error for the server's. Here only those are that say so: a status of 500 and more, and
the code INTERNAL; and a 401, where nothing ends the sign-in.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

address, seconds = sys.argv[1], float(sys.argv[2])
OURS = {"signIn", "signInRefresh", "signOut", "gatepass"}
SIGN_IN = """mutation ($user: String!, $password: String!, $hint: String) {
  signIn(useManagementflow: true, credentials: {userName: $user, password: $password, deviceHint: $hint}) {
    accessToken deviceHint
  }
}"""
hint: str | None = None
tried = 0


def bearer() -> dict[str, str]:
    """Of a new sign-in, in the lane of a known device: wrong passwords are tried here by the hundred."""
    global hint
    given = {"user": os.environ["USER_NAME"], "password": os.environ["PASSWORD"], "hint": hint}
    body = json.dumps({"query": SIGN_IN, "variables": given}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        pair = json.load(answer)["data"]["signIn"]
    hint = pair["deviceHint"]
    return {"Authorization": f"Bearer {pair['accessToken']}"}


schema = schemathesis.graphql.from_url(address, headers=bearer())
operations = [found.ok() for found in schema.get_all_operations()]
began = time.monotonic()
for number, operation in enumerate(operations, 1):
    end, headers = began + seconds * number / len(operations), bearer()
    is_ours = operation.label.rpartition(".")[2] in OURS

    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def holds(case: schemathesis.Case) -> None:
        global tried
        if time.monotonic() > end:  # noqa: B023 - it is called at once
            return
        answer = case.call(headers=headers)  # noqa: B023
        tried += 1
        assert answer.status_code < 500, answer.text
        assert '"INTERNAL"' not in answer.text, answer.text
        assert is_ours or answer.status_code != 401, answer.text  # noqa: B023

    before = tried
    holds()
    print(f"{operation.label}: {tried - before} requests, fine", flush=True)
print(f"{tried} requests to {len(operations)} operations")
if not any(operation.label.rpartition(".")[2] not in OURS for operation in operations):
    sys.exit("the API behind the gateway was not in the schema")
