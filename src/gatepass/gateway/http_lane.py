"""
The lean lane: an upstream on plain HTTP/1.1, over bare connections and the parser of Node.

It does what `http_upstream.HttpUpstream` does, at about an eighth of the cost, by doing nothing else. HTTPS goes there.
"""

from __future__ import annotations

import asyncio

from gatepass.gateway.address import upstream_address
from gatepass.gateway.hangup import Hangup
from gatepass.gateway.lane_line import LaneAnswer
from gatepass.gateway.lane_pool import LinePool
from gatepass.gateway.patience import UNHEARD_SECONDS, Patience
from gatepass.gateway.upstream import Outgoing, UpstreamFailed, UpstreamLimits


class HttpLane:
    """
    Speaks HTTP/1.1 to one address, over a pool of kept connections.

    No redirect is followed, no cookie kept, no proxy taken from the environment, no body unpacked. A query is sent a
    second time where a kept connection turned out to be closed (RFC 9110 §9.2.2); a mutation never is.
    """

    def __init__(self, url: str, limits: UpstreamLimits | None = None) -> None:
        """
        Take the address.

        Args:
            url: of the upstream's GraphQL endpoint; http, without credentials or fragment.

        Raises:
            ValueError: the address is of another form.
        """
        address = upstream_address(url)
        if address.scheme != "http" or address.host is None or address.port is None:
            raise ValueError("the upstream's address must start with http:// for the lean lane")
        limits = limits if limits is not None else UpstreamLimits()
        host = address.host_port_subcomponent or ""
        self._prefix = f"POST {address.raw_path_qs} HTTP/1.1\r\nhost: {host}\r\n".encode("ascii")
        self._url = str(address)
        self._response_seconds = limits.response_timeout.total_seconds()
        self._idle_seconds = limits.idle_timeout.total_seconds()
        connect_seconds = limits.connect_timeout.total_seconds()
        self._lines = LinePool(address.host, address.port, limits.max_connections, connect_seconds)
        self._streams = LinePool(address.host, address.port, limits.max_streams, connect_seconds)

    async def start(self) -> None:
        """Nothing to do: connections are opened when they are needed."""

    async def send(self, outgoing: Outgoing) -> LaneAnswer:
        """As the port says. Fails closed: whatever is wrong on the way becomes `UpstreamFailed`."""
        request = self._written(outgoing)
        pool = self._streams if outgoing.kind == "subscription" else self._lines
        deadline = asyncio.get_running_loop().time() + self._response_seconds
        try:
            return await self._exchange(pool, request, outgoing.hangup, deadline)
        except _LineLost:
            if outgoing.kind != "query":
                raise
            pool.drop_idle()
            return await self._exchange(pool, request, outgoing.hangup, deadline)

    async def close(self) -> None:
        """Close all connections."""
        await self._lines.close()
        await self._streams.close()

    async def _exchange(self, pool: LinePool, request: bytes, hangup: Hangup, deadline: float) -> LaneAnswer:
        loop = asyncio.get_running_loop()
        line = pool.free()
        if line is None:
            with Patience(deadline - loop.time(), hangup):
                line = await pool.acquire()
        answer = line.ask(request, self._idle_seconds)
        try:
            if not await answer.head(min(UNHEARD_SECONDS, self._response_seconds)):
                with Patience(deadline - loop.time(), hangup, listening=True):
                    await answer.head(None)
        except BaseException as error:
            lost = isinstance(error, UpstreamFailed) and line.used and line.silent and not line.usable
            await answer.close()
            if lost:
                raise _LineLost("the upstream had closed a kept connection") from error
            raise
        return answer

    def _written(self, outgoing: Outgoing) -> bytes:
        """
        The request, byte by byte.

        Raises:
            UpstreamFailed: a header would end before its time. Servers refuse such headers, so this is only the last
                line against request smuggling.
        """
        fields = b"\r\n".join([*map(b": ".join, outgoing.headers), b"content-length: %d" % len(outgoing.body)])
        lines = len(outgoing.headers)
        if fields.count(b"\n") != lines or fields.count(b"\r") != lines or b"\0" in fields:
            raise UpstreamFailed("a header of the request has a line break in it")
        return b"".join((self._prefix, fields, b"\r\n\r\n", outgoing.body))


class _LineLost(UpstreamFailed):
    """A kept connection ended before a single byte of the answer came."""
