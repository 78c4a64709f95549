"""Refusals that must look alike: requests whose times are compared with each other."""

from __future__ import annotations

import base64
import random
import socket
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from benchmarks.harness import load
from benchmarks.harness.figures import Figure, ratio

ROUNDS, SAMPLES, REACH = 5, 200, 1.03
UNLIMITED: Final = {
    "GATEPASS_THROTTLE_ACCOUNT_FAILURES": "1000",
    "GATEPASS_THROTTLE_NETWORK_FAILURES": "10000000",
    "GATEPASS_THROTTLE_OVERALL_FAILURES": "10000000",
    "GATEPASS_THROTTLE_CODE_FAILURES": "1000000",
    "GATEPASS_THROTTLE_CODE_OVERALL_FAILURES": "1000000",
}


@dataclass
class Door:
    """Requests that must be answered alike in like time, by what is the matter with each; and the times of each."""

    name: str
    cases: Mapping[str, bytes]
    has_names: bool = True
    rounds: int = ROUNDS
    says: bytes = b""
    """In each answer, where something is to be there."""
    medians: dict[str, list[float]] = field(default_factory=dict)

    def round(self, port: int, samples: int) -> None:
        """Measure once; every case as often as any other."""
        taken: dict[str, list[float]] = {case: [] for case in self.cases}
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(samples):
                # By chance: in turn, each would always come after the same one.
                for case in random.Random(number).sample(list(self.cases), len(self.cases)):
                    taken[case].append(_seconds(connection, self.cases[case], self.says))
        for case, seconds in taken.items():
            self.medians.setdefault(case, []).append(statistics.median(seconds) * 1e3)

    @property
    def farthest(self) -> Figure:
        """How many times the median of one case is that of the first, for the case in which that is most."""
        first, *others = self.medians.values()
        either_way = [max((ratio(a, b) for a, b in ((other, first), (first, other))), key=_value) for other in others]
        return max(either_way, key=_value)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Its lines in the table."""
        first = next(iter(self.medians.values()))
        for case, medians in self.medians.items():
            yield self.name, case, f"{Figure.of(medians).value:.3f}", f"{ratio(medians, first).value:.3f}"


def _value(figure: Figure) -> float:
    return figure.value


def _seconds(connection: socket.socket, request: bytes, says: bytes) -> float:
    began = time.perf_counter()
    connection.sendall(request)
    received = b""
    while not _is_whole(received):
        received += connection.recv(65_536)
    seconds = time.perf_counter() - began
    is_busy = received.startswith((b"HTTP/1.1 5", b"HTTP/1.1 429"))
    if (says not in received) if says else is_busy:
        raise load.RefusedError(received[:500].decode("utf-8", "replace"))
    return seconds


def _is_whole(received: bytes) -> bool:
    head, _, body = received.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return False


def form(
    port: int, path: str, parameters: Mapping[str, str], basic: Sequence[str] | None = None, more: str = ""
) -> bytes:
    """A POST of a form, with the header of a client that proves itself if it does."""
    body = urlencode(parameters).encode()
    if basic is not None:
        more += f"Authorization: Basic {base64.b64encode(':'.join(basic).encode()).decode()}\r\n"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"{more}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body
