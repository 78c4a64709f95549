"""
The bare hash ceiling: processes that check one password over and over, and do nothing else.

Same library, same parameters, same priority as the server's hash workers.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import nacl.pwhash

from benchmarks.harness.processes import ROOT, cpu_seconds
from gatepass.crypto.password_worker import NICENESS


@dataclass(frozen=True)
class Hashed:
    """What all processes together did in one round."""

    rate: float
    cpu_seconds_each: float


class HashLoops:
    """Running processes that wait for `measure`."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self._processes = processes

    def measure(self, seconds: float) -> Hashed:
        """Let them all hash for so long, at the same time."""
        before = self._cpu_seconds()
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
        counts, rate = 0, 0.0
        for process in self._processes:
            assert process.stdout is not None
            count, taken = process.stdout.readline().split()
            counts += int(count)
            rate += int(count) / float(taken)
        return Hashed(rate, (self._cpu_seconds() - before) / counts)

    def _cpu_seconds(self) -> float:
        return sum(cpu_seconds(process.pid) for process in self._processes)


@contextlib.contextmanager
def hash_loops(processes: int, password: str, password_hash: str) -> Iterator[HashLoops]:
    """So many of them, ended with the block."""
    with contextlib.ExitStack() as stack:
        started = []
        for _ in range(processes):
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.harness.hash_loop"],
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            assert process.stdin is not None
            process.stdin.write(f"{password}\n{password_hash}\n")
            process.stdin.flush()
            started.append(process)
        loops = HashLoops(started)
        loops.measure(0.1)
        yield loops


def main() -> None:
    """Read password and hash, then for each line of seconds: hash so long, say how many times in how many seconds."""
    os.nice(NICENESS)
    password, password_hash = (sys.stdin.readline().rstrip("\n").encode() for _ in range(2))
    for line in sys.stdin:
        count, started = 0, time.perf_counter()
        while (taken := time.perf_counter() - started) < float(line):
            nacl.pwhash.verify(password_hash, password)
            count += 1
        print(count, taken, flush=True)


if __name__ == "__main__":
    main()
