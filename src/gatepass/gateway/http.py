"""Which adapter serves an upstream on HTTP."""

from __future__ import annotations

import ssl

from gatepass.gateway.address import upstream_address
from gatepass.gateway.http_lane import HttpLane
from gatepass.gateway.upstream import Upstream, UpstreamLimits


def http_upstream(url: str, limits: UpstreamLimits | None = None, *, tls: ssl.SSLContext | None = None) -> Upstream:
    """
    The lean lane for `http://`, aiohttp for `https://`.

    Args:
        url: of the upstream's GraphQL endpoint, without credentials or fragment.
        tls: how the upstream's certificate is verified; by default with the system's authorities.

    Raises:
        ValueError: the address is of another form.
    """
    if upstream_address(url).scheme == "http":
        return HttpLane(url, limits)
    # aiohttp takes a fifth of a second and 15 MB to import, which only those pay who need it.
    from gatepass.gateway.http_upstream import HttpUpstream  # noqa: PLC0415

    return HttpUpstream(url, limits, tls=tls)
