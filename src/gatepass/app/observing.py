"""The edge in front of all routes, and what the log and the metrics learn of a request there."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from gatepass.domain.errors import Fault
from gatepass.http.client_address import ClientAddress
from gatepass.http.cross_origin import CrossOrigin
from gatepass.http.edge import Edge, Observer
from gatepass.http.in_flight import InFlight
from gatepass.http.messages import Answer, Request
from gatepass.http.routes import Paths, router
from gatepass.oauth.forward_auth import FORWARD_AUTH_PATH
from gatepass.settings import Settings
from gatepass.telemetry.metrics import Metrics
from gatepass.telemetry.request_log import RequestLog

_log = logging.getLogger("gatepass")


def edge_before(paths: Paths, settings: Settings, metrics: Metrics) -> Edge:
    """What every request meets first and every answer last."""
    return Edge(
        router(paths),
        observe=_observer(RequestLog(), metrics),
        report=report_fault,
        client_address=ClientAddress(settings.trusted_proxies, _log.warning),
        cross_origin=CrossOrigin(settings.cors_origins, verdicts=FORWARD_AUTH_PATH),
        in_flight=InFlight(settings.max_requests_per_client),
    )


class ReadinessReport:
    """Logs why a process is not ready when that changes: who asks at `/readyz` asks every few seconds."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, faults: Mapping[str, Fault]) -> None:
        """Take the parts that are out of order now."""
        reasons = {part: str(fault) for part, fault in faults.items()}
        if reasons == self._known:
            return
        self._known = reasons
        if reasons:
            _log.error("not ready", extra=reasons)
        else:
            _log.info("ready again")


def report_fault(request: Request, error: BaseException) -> None:
    """Log an error that nobody expected, with the id that its answer names."""
    _log.error("fault", exc_info=error, extra={"request_id": request.id})


def _observer(log: RequestLog, metrics: Metrics) -> Observer:
    def observe(request: Request, answer: Answer, seconds: float) -> None:
        metrics.request(answer.operation, answer.code, seconds)
        log(
            request_id=request.id,
            method=request.method,
            path=request.path,
            operation=answer.operation,
            code=answer.code,
            status=answer.status,
            seconds=seconds,
            client=request.client,
        )

    return observe
