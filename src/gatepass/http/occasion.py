"""The circumstances of a request, as its session and the audit log will remember them."""

from __future__ import annotations

from gatepass.domain.occasion import Door, Occasion
from gatepass.http.messages import Request
from gatepass.http.origin import origin_of


def occasion_of(request: Request, door: Door) -> Occasion:
    """Which door, from where, and the id under which the log has the request."""
    return Occasion(door, origin_of(request), request.id)
