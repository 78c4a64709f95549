"""
A process that asks again and again: `python -m tests.kit.asker URL SECONDS PAUSE`, with a sign-in that is kept.

At the end it prints how often it asked, and every error that it got.
"""

from __future__ import annotations

import json
import sys
import time

from gatepass.client import Client, ClientError


def main(url: str, seconds: float, pause: float) -> None:
    """Ask until the time is over."""
    asked, errors = 0, []
    deadline = time.monotonic() + seconds
    with Client(url) as api:
        while time.monotonic() < deadline:
            try:
                api("{ me }")
            except ClientError as error:
                errors.append(f"{type(error).__name__}: {error}")
            asked += 1
            time.sleep(pause)
    print(json.dumps({"asked": asked, "errors": errors}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
