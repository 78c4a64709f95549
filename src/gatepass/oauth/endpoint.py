"""What the endpoints for programs have in common: a form comes in, JSON goes out, and so does every refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from gatepass.domain.errors import Fault, GatepassError
from gatepass.http.body import BodyLimits
from gatepass.http.edge import ClientGoneError, FaultReporter
from gatepass.http.messages import NO_STORE, Request, Response
from gatepass.http.security_headers import NOT_A_PAGE
from gatepass.oauth.errors import JSON, PRAGMA, refusal
from gatepass.oauth.form import Parameters, read_form

Deed = Callable[[Request, Parameters], Awaitable[Mapping[str, Any]]]
"""What an endpoint does: the members of its answer, or a refusal that is raised."""


class FormEndpoint:
    """An endpoint of RFC 6749 §3.2 and its kin. Nothing of an answer may be kept."""

    def __init__(self, deed: Deed, *, operation: str, limits: BodyLimits, report: FaultReporter) -> None:
        """
        Take what it does.

        Args:
            operation: its word in log and metrics.
            report: told of faults, which no answer shows.
        """
        self._deed = deed
        self._operation = operation
        self._limits = limits
        self._report = report

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        try:
            members = await self._deed(request, await read_form(request, self._limits))
        except ClientGoneError:
            raise
        except Exception as error:  # the last place that can keep to the form of RFC 6749 §5.2
            known = error if isinstance(error, GatepassError) else Fault()
            if isinstance(known, Fault):
                self._report(request, error)
            return refusal(known, operation=self._operation, request_id=request.id)
        return Response(
            200, msgspec.json.encode(members), [JSON, NO_STORE, PRAGMA, NOT_A_PAGE], operation=self._operation
        )
