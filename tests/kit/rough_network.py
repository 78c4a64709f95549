"""A network between a client and a `PlainServer` that delays, drops, duplicates and expires, as a test says."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import httpx2

from tests.kit.plain_server import PlainServer

ADDRESS = "http://plain.test/graphql/"


class Fault(Enum):
    """What happens to one request."""

    NONE = "it goes through"
    REFUSED = "no connection: it never left"
    LOST = "it never arrived, and nobody says so"
    ANSWER_LOST = "it arrived and ran, its answer is lost"
    DUPLICATED = "it arrives twice"
    UNAVAILABLE = "what stands in front says 503"
    EXPIRED = "all access tokens end before it arrives"
    DELAYED = "it takes its time"


@dataclass
class RoughNetwork:
    """
    Takes the next of `faults` for each request; when they are used up everything goes through.

    `renewing` has how many refreshes were under way at once, at most, `at_once` how many requests of any kind;
    `renamed` how often each mutation ran, by the name it gave; `spoiled` the faults that hit a sign-in or a refresh.
    """

    server: PlainServer
    faults: list[Fault] = field(default_factory=list)
    delay_seconds: float = 0.0
    renewing: int = 0
    renamed: Counter[str] = field(default_factory=Counter)
    spoiled: list[Fault] = field(default_factory=list)
    requests: int = 0
    at_once: int = 0
    _renewing_now: int = 0
    _under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def blocking(self) -> httpx2.BaseTransport:
        """For `Client`."""
        return _Blocking(self)

    def tasks(self) -> httpx2.AsyncBaseTransport:
        """For `AsyncClient`."""
        return _Tasks(self)

    def next_fault(self) -> Fault:
        """What happens to the request that comes now."""
        with self._lock:
            self.requests += 1
            return self.faults.pop(0) if self.faults else Fault.NONE

    @contextmanager
    def passing(self, request: httpx2.Request, fault: Fault) -> Iterator[None]:
        """Counts who is under way."""
        is_renewal = b"signIn" in request.content
        with self._lock:
            if is_renewal and fault is not Fault.NONE:
                self.spoiled.append(fault)
            self._renewing_now += is_renewal
            self._under_way += 1
            self.at_once = max(self.at_once, self._under_way)
            self.renewing = max(self.renewing, self._renewing_now)
        try:
            yield
        finally:
            with self._lock:
                self._renewing_now -= is_renewal
                self._under_way -= 1

    def arrives(self, request: httpx2.Request, fault: Fault) -> httpx2.Response:
        """What the client gets, or an error of httpx2."""
        if fault is Fault.REFUSED:
            raise httpx2.ConnectError("connection refused", request=request)
        if fault is Fault.LOST:
            raise httpx2.ReadTimeout("timed out", request=request)
        if fault is Fault.UNAVAILABLE:
            return httpx2.Response(503, text="<html>try later</html>", request=request)
        if fault is Fault.EXPIRED:
            self.server.expire_access_tokens()
        status, body = self._served(request)
        if fault is Fault.DUPLICATED:
            status, body = self._served(request)
        if fault is Fault.ANSWER_LOST:
            raise httpx2.ReadError("connection reset", request=request)
        return httpx2.Response(status, json=body, request=request)

    def _served(self, request: httpx2.Request) -> tuple[int, Any]:
        sent = json.loads(request.content)
        status, body = self.server.answers(sent, request.headers.get("Authorization"))
        if (body.get("data") or {}).get("rename"):
            with self._lock:
                self.renamed[sent["variables"]["name"]] += 1
        return status, body


class _Blocking(httpx2.BaseTransport):
    def __init__(self, network: RoughNetwork) -> None:
        self._network = network

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        fault = self._network.next_fault()
        with self._network.passing(request, fault):
            time.sleep(self._network.delay_seconds * (20 if fault is Fault.DELAYED else 1))
            return self._network.arrives(request, fault)


class _Tasks(httpx2.AsyncBaseTransport):
    def __init__(self, network: RoughNetwork) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        fault = self._network.next_fault()
        with self._network.passing(request, fault):
            await asyncio.sleep(self._network.delay_seconds * (20 if fault is Fault.DELAYED else 1))
            answer = self._network.arrives(request, fault)
            await asyncio.sleep(self._network.delay_seconds)
            return answer


FAULTS: Sequence[Fault] = tuple(Fault)
