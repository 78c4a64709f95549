"""An upstream on HTTP or HTTPS, through aiohttp."""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache
from typing import Final

import aiohttp
from multidict import CIMultiDict, istr

from gatepass.gateway.address import upstream_address
from gatepass.gateway.keep_alive import KEEP_ALIVE, probed_socket
from gatepass.gateway.patience import Patience
from gatepass.gateway.upstream import Outgoing, UpstreamFailed, UpstreamLimits
from gatepass.http.asgi import Headers

_RETRIED: Final = (aiohttp.ServerDisconnectedError, ConnectionResetError, BrokenPipeError)
_USER_AGENT: Final = istr("user-agent")
_LONGEST_REMEMBERED_NAME: Final = 128
"""Bytes: names are the sender's choice, and a thousand may be remembered."""


class HttpUpstream:
    """
    Speaks HTTP/1.1 to one address, over a pool of kept connections.

    No redirect is followed, no cookie kept, no proxy taken from the environment, no body unpacked. A query is sent a
    second time where a kept connection turned out to be closed (RFC 9110 §9.2.2); a mutation never is.
    """

    def __init__(self, url: str, limits: UpstreamLimits | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        """
        Take the address.

        Args:
            url: of the upstream's GraphQL endpoint; http or https, without credentials or fragment.
            tls: how the upstream's certificate is verified; by default with the system's authorities.

        Raises:
            ValueError: the address is of another form.
        """
        self._url = upstream_address(url)
        self._limits = limits if limits is not None else UpstreamLimits()
        self._tls = tls
        self._response_seconds = self._limits.response_timeout.total_seconds()
        self._idle_seconds = self._limits.idle_timeout.total_seconds()
        self._sessions: tuple[aiohttp.ClientSession, aiohttp.ClientSession] | None = None

    async def start(self) -> None:
        """Open the pools, empty: one for queries and mutations, one for subscriptions."""
        self._pools()

    async def send(self, outgoing: Outgoing) -> HttpAnswer:
        """As the port says. Fails closed: whatever is wrong on the way becomes `UpstreamFailed`."""
        try:
            with Patience(self._response_seconds, outgoing.hangup):
                return HttpAnswer(await self._send(outgoing), self._idle_seconds)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UpstreamFailed(f"no answer from {self._url}: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close both pools and the connections in them."""
        sessions, self._sessions = self._sessions, None
        for session in sessions or ():
            await session.close()

    async def _send(self, outgoing: Outgoing) -> aiohttp.ClientResponse:
        session = self._pools()[outgoing.kind == "subscription"]
        headers = _text(outgoing.headers)
        try:
            return await session.post(self._url, data=_body(outgoing), headers=headers, allow_redirects=False)
        except _RETRIED:
            if outgoing.kind != "query":
                raise
            return await session.post(self._url, data=_body(outgoing), headers=headers, allow_redirects=False)

    def _pools(self) -> tuple[aiohttp.ClientSession, aiohttp.ClientSession]:
        if self._sessions is None:
            self._sessions = self._open(self._limits.max_connections), self._open(self._limits.max_streams)
        return self._sessions

    def _open(self, connections: int) -> aiohttp.ClientSession:
        connect = self._limits.connect_timeout.total_seconds()
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=connections,
                keepalive_timeout=KEEP_ALIVE.total_seconds(),
                ssl=self._tls or True,
                socket_factory=probed_socket,
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )


class HttpAnswer:
    """An answer that aiohttp reads."""

    __slots__ = ("_content", "_idle_seconds", "_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse, idle_seconds: float) -> None:
        self.status = response.status
        self.headers: Headers = list(response.raw_headers)
        self._response = response
        self._content = response.content
        self._idle_seconds: float | None = idle_seconds

    @property
    def ended(self) -> bool:
        """Whether everything has been handed out."""
        return self._content.at_eof()

    def keep_open(self) -> None:
        """Lift the idle limit."""
        self._idle_seconds = None

    async def read(self) -> bytes:
        """As the port says."""
        content = self._content
        try:
            piece = content.read_nowait()
            if piece or content.at_eof():
                return piece
            async with asyncio.timeout(self._idle_seconds):
                return await content.readany()
        except TimeoutError as error:
            raise UpstreamFailed("the upstream fell silent within its answer") from error
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamFailed(f"the upstream's answer broke off: {type(error).__name__}") from error

    async def close(self) -> None:
        """Give the connection back if the answer was read to its end, close it otherwise."""
        if self._content.at_eof():
            self._response.release()
        else:
            self._response.close()


def _body(outgoing: Outgoing) -> aiohttp.BytesPayload:
    return aiohttp.BytesPayload(outgoing.body, content_type="application/json")


def _text(headers: Headers) -> CIMultiDict[str]:
    """
    Headers for aiohttp, which writes text as UTF-8; a value in another encoding is not passed on.

    A request without User-Agent is signed `gatepass`, because aiohttp would sign it with its own name and version.
    """
    decoded: CIMultiDict[str] = CIMultiDict()
    for name, value in headers:
        try:
            decoded.add(_name(name), value.decode())
        except UnicodeDecodeError:
            continue
    if _USER_AGENT not in decoded:
        decoded.add(_USER_AGENT, "gatepass")
    return decoded


def _name(name: bytes) -> istr:
    return (_usual_name if len(name) <= _LONGEST_REMEMBERED_NAME else _made_name)(name)


def _made_name(name: bytes) -> istr:
    return istr(name.decode("ascii"))


_usual_name: Final = lru_cache(maxsize=1024)(_made_name)
