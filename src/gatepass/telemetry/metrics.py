"""Figures for Prometheus, in a registry of our own: an application around us keeps its own apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
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


class _Series(NamedTuple):
    requests: Counter
    duration: Histogram
    sign_ins: Counter | None


class Metrics:
    """
    What `/metrics` shows.

    Args:
        hash_queue_length: how many passwords wait to be hashed; asked when the page is.
    """

    def __init__(self, hash_queue_length: Callable[[], float] | None = None) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "gatepass_requests", "Requests answered.", ("operation", "code"), registry=self._registry
        )
        self._duration = Histogram(
            "gatepass_request_duration_seconds",
            "Time until the whole answer was out.",
            ("operation",),
            buckets=BUCKETS_SECONDS,
            registry=self._registry,
        )
        self._sign_ins = Counter("gatepass_sign_ins", "Sign-ins by outcome.", ("outcome",), registry=self._registry)
        if hash_queue_length is not None:
            waiting = Gauge("gatepass_hash_queue_length", "Passwords waiting to be hashed.", registry=self._registry)
            waiting.set_function(hash_queue_length)
        ProcessCollector(registry=self._registry)
        self._series: dict[tuple[str, str], _Series] = {}

    def request(self, operation: str, code: str, seconds: float) -> None:
        """
        Count an answer.

        Args:
            operation: one of our words, never text of a caller: each new one is a new series.
            code: `OK` or an error code.
        """
        series = self._series.get((operation, code)) or self._new_series(operation, code)
        series.requests.inc()
        series.duration.observe(seconds)
        if series.sign_ins is not None:
            series.sign_ins.inc()

    def render(self) -> tuple[bytes, bytes]:
        """
        The page and its content type.

        Source: Prometheus text exposition format 0.0.4.
        """
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4.encode("ascii")

    def _new_series(self, operation: str, code: str) -> _Series:
        if len(self._series) >= MAX_SERIES:
            operation, code = OTHER, OTHER
        outcome = self._sign_ins.labels(OUTCOMES.get(code, "failed")) if operation == SIGN_IN else None
        named = operation or OTHER
        series = _Series(self._requests.labels(named, code), self._duration.labels(named), outcome)
        if len(self._series) < MAX_SERIES:
            self._series[operation, code] = series
        return series
