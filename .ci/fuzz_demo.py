"""
schemathesis in GraphQL mode against a running server: `fuzz_demo.py ADDRESS SECONDS`.

Its own check takes every GraphQL error for the server's. Here only those are that say so: a status of 500 and more, and
the code INTERNAL.
"""

from __future__ import annotations

import sys
import time

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

address, seconds = sys.argv[1], float(sys.argv[2])
schema = schemathesis.graphql.from_url(address)
end = time.monotonic() + seconds
tried = 0

for found in schema.get_all_operations():
    operation = found.ok()

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
        if time.monotonic() > end:
            return
        answer = case.call()
        tried += 1
        assert answer.status_code < 500, answer.text
        assert '"INTERNAL"' not in answer.text, answer.text

    holds()
    print(f"{operation.label}: fine", flush=True)
print(f"{tried} requests")
