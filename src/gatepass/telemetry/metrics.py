"""Figures for Prometheus, in a registry of our own: an application around us keeps its own apart."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

SIGN_IN: Final = "sign_in"
OTHER: Final = "other"
MAX_SERIES: Final = 256
BUCKETS_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
OUTCOMES: Final = {
    "OK": "signed_in",
    "INVALID_CREDENTIALS": "refused",
    "FLOW_UNAVAILABLE": "refused",
    "RATE_LIMITED": "rate_limited",
    "OVERLOADED": "overloaded",
}


class _Series(msgspec.Struct):
    """What was counted of one operation and code: plain numbers, since all of them are counted on one thread."""

    operation: str
    code: str
    count: int = 0
    seconds: float = 0.0
    buckets: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BUCKETS_SECONDS) + 1))


class _Snapshot(msgspec.Struct):
    """All that one process has counted."""

    series: list[_Series]
    hash_queue_length: float


class Metrics:
    """
    What `/metrics` shows.

    Args:
        hash_queue_length: how many passwords wait to be hashed; asked when the page is.
    """

    def __init__(self, hash_queue_length: Callable[[], float] | None = None) -> None:
        self._series: dict[tuple[str, str], _Series] = {}
        self._hash_queue_length = hash_queue_length
        self._others: Sequence[_Snapshot] = ()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def request(self, operation: str, code: str, seconds: float) -> None:
        """
        Count an answer.

        Args:
            operation: one of our words, never text of a caller: each new one is a new series.
            code: `OK` or an error code.
        """
        series = self._series.get((operation, code)) or self._new_series(operation, code)
        series.count += 1
        series.seconds += seconds
        series.buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1

    def collect(self) -> Iterator[Metric]:
        """What prometheus-client asks a collector for, at each scrape."""
        requests = CounterMetricFamily("gatepass_requests", "Requests answered.", labels=("operation", "code"))
        sign_ins: dict[str, int] = {}
        together = self._together()
        for series in together:
            requests.add_metric((series.operation or OTHER, series.code), series.count)
            if series.operation == SIGN_IN:
                outcome = OUTCOMES.get(series.code, "failed")
                sign_ins[outcome] = sign_ins.get(outcome, 0) + series.count
        yield requests
        yield _durations(together)
        outcomes = CounterMetricFamily("gatepass_sign_ins", "Sign-ins by outcome.", labels=("outcome",))
        for outcome, count in sign_ins.items():
            outcomes.add_metric((outcome,), count)
        yield outcomes
        if self._hash_queue_length is not None:
            waiting = self._hash_queue_length() + sum(other.hash_queue_length for other in self._others)
            yield GaugeMetricFamily("gatepass_hash_queue_length", "Passwords waiting to be hashed.", value=waiting)

    def snapshot(self) -> bytes:
        """What was counted in this process, as JSON for the others that answer on the same port."""
        waiting = self._hash_queue_length() if self._hash_queue_length is not None else 0.0
        return msgspec.json.encode(_Snapshot(list(self._series.values()), waiting))

    def render(self, others: Iterable[bytes] = ()) -> tuple[bytes, bytes]:
        """
        The page and its content type.

        Args:
            others: snapshots of other processes (or `null`); what was counted is added up.

        Source: Prometheus text exposition format 0.0.4.
        """
        self._others = _read(others)
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4.encode("ascii")

    def _new_series(self, operation: str, code: str) -> _Series:
        if len(self._series) >= MAX_SERIES:
            operation, code = OTHER, OTHER
        return self._series.setdefault((operation, code), _Series(operation, code))

    def _together(self) -> Sequence[_Series]:
        own = list(self._series.values())
        return _added_up((own, *(other.series for other in self._others))) if self._others else own


def settled(reports: Iterable[bytes]) -> bytes:
    """
    One snapshot for all those of processes that are gone: what they have counted, and nothing that waits.

    Args:
        reports: what `Metrics.snapshot` or this function gave, or `null`.
    """
    return msgspec.json.encode(_Snapshot(_added_up(snapshot.series for snapshot in _read(reports)), 0.0))


def _read(reports: Iterable[bytes]) -> list[_Snapshot]:
    read = (msgspec.json.decode(report, type=_Snapshot | None) for report in reports)
    return [snapshot for snapshot in read if snapshot is not None]


def _added_up(counted: Iterable[Sequence[_Series]]) -> list[_Series]:
    sums: dict[tuple[str, str], _Series] = {}
    for one in chain.from_iterable(counted):
        whole = sums.setdefault((one.operation, one.code), _Series(one.operation, one.code))
        whole.count += one.count
        whole.seconds += one.seconds
        whole.buckets = [a + b for a, b in zip(whole.buckets, one.buckets, strict=True)]
    return list(sums.values())


def _durations(counted: Sequence[_Series]) -> Metric:
    durations = HistogramMetricFamily(
        "gatepass_request_duration_seconds", "Time until the whole answer was out.", labels=("operation",)
    )
    bounds = [*(str(float(bound)) for bound in BUCKETS_SECONDS), "+Inf"]
    for operation in dict.fromkeys(series.operation for series in counted):
        timed = [series for series in counted if series.operation == operation]
        totals = accumulate(map(sum, zip(*(series.buckets for series in timed), strict=True)))
        seconds = sum(series.seconds for series in timed)
        durations.add_metric((operation or OTHER,), list(zip(bounds, totals, strict=True)), seconds)
    return durations
