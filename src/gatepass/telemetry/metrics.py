"""Figures for Prometheus, in a registry of our own: an application around us keeps its own apart."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
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


class _Series:
    """What was counted of one operation and code: plain numbers, since all of them are counted on one thread."""

    __slots__ = ("buckets", "code", "count", "operation", "seconds")

    def __init__(self, operation: str, code: str) -> None:
        self.operation = operation
        self.code = code
        self.count = 0
        self.seconds = 0.0
        self.buckets = [0] * (len(BUCKETS_SECONDS) + 1)


class Metrics:
    """
    What `/metrics` shows.

    Args:
        hash_queue_length: how many passwords wait to be hashed; asked when the page is.
    """

    def __init__(self, hash_queue_length: Callable[[], float] | None = None) -> None:
        self._series: dict[tuple[str, str], _Series] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)
        if hash_queue_length is not None:
            waiting = Gauge("gatepass_hash_queue_length", "Passwords waiting to be hashed.", registry=self._registry)
            waiting.set_function(hash_queue_length)
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
        for series in self._series.values():
            requests.add_metric((series.operation or OTHER, series.code), series.count)
            if series.operation == SIGN_IN:
                outcome = OUTCOMES.get(series.code, "failed")
                sign_ins[outcome] = sign_ins.get(outcome, 0) + series.count
        yield requests
        yield self._durations()
        outcomes = CounterMetricFamily("gatepass_sign_ins", "Sign-ins by outcome.", labels=("outcome",))
        for outcome, count in sign_ins.items():
            outcomes.add_metric((outcome,), count)
        yield outcomes

    def render(self) -> tuple[bytes, bytes]:
        """
        The page and its content type.

        Source: Prometheus text exposition format 0.0.4.
        """
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4.encode("ascii")

    def _durations(self) -> Metric:
        durations = HistogramMetricFamily(
            "gatepass_request_duration_seconds", "Time until the whole answer was out.", labels=("operation",)
        )
        bounds = [*(str(float(bound)) for bound in BUCKETS_SECONDS), "+Inf"]
        for operation in dict.fromkeys(series.operation for series in self._series.values()):
            counted = [series for series in self._series.values() if series.operation == operation]
            totals = accumulate(map(sum, zip(*(series.buckets for series in counted), strict=True)))
            seconds = sum(series.seconds for series in counted)
            durations.add_metric((operation or OTHER,), list(zip(bounds, totals, strict=True)), seconds)
        return durations

    def _new_series(self, operation: str, code: str) -> _Series:
        if len(self._series) >= MAX_SERIES:
            operation, code = OTHER, OTHER
        return self._series.setdefault((operation, code), _Series(operation, code))
