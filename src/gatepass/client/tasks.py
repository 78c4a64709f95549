"""Carries out flows in tasks of an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from gatepass.client.blocking import PATIENCE_SECONDS, body_of, limits
from gatepass.client.connecting import opened
from gatepass.client.effects import NO_WISH, Answer, Do, Effect, Flow, Need, Pause, Request, Send
from gatepass.client.errors import ClientError
from gatepass.client.flight import Flight
from gatepass.client.flows import renewal
from gatepass.client.fork_safe_lock import ForkSafeLock
from gatepass.client.session import Session
from gatepass.client.tokens import Held
from gatepass.client.unreachable import unreachable

if TYPE_CHECKING:
    import httpx2

Result = TypeVar("Result")


class Tasks:
    """
    Flows over one pool of connections for each event loop.

    A renewal runs in a task of its own: whoever waits for it may be cancelled without losing tokens that the server has
    given already.
    """

    def __init__(self, session: Session, timeout: float, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.session = session
        self._timeout = timeout
        self._transport = transport
        self._lock = ForkSafeLock()
        self._pools: dict[asyncio.AbstractEventLoop, httpx2.AsyncClient] = {}
        self._pid = os.getpid()
        self._inherited: list[Any] = []
        self._renewals: set[asyncio.Task[None]] = set()

    async def run(self, flow: Flow[Result]) -> Result:
        """Carry a flow out; returns and raises what it does."""
        outcome: Any = None
        error: ClientError | None = None
        try:
            while True:
                try:
                    effect = flow.send(outcome) if error is None else flow.throw(error)
                except StopIteration as end:
                    result: Result = end.value
                    return result
                outcome, error = None, None
                try:
                    outcome = await self._perform(effect)
                except ClientError as raised:
                    error = raised
        finally:
            flow.close()

    async def held(self, need: Need = NO_WISH) -> Held:
        """
        A token that meets the need, renewed if it has to be; in one task, and the others wait for it.

        Raises:
            SignInRequired, SignInRefused, ServerUnreachable: there is none to be had.
        """
        session = self.session
        while True:
            found = session.usable(need)
            if found is not None:
                return found
            found, flight, is_leading = session.boarded(need)
            if is_leading:
                self._depart(need, flight)
            found = found or await _landed(flight)
            if found is not None and (is_leading or found.access != need.refused):
                return found

    async def send(self, request: Request) -> Answer:
        """
        Send a request and read the answer.

        Raises:
            ServerUnreachable: no whole answer came.
            BadNetworkSetting: the environment names a proxy or an authority that cannot be used.
        """
        import httpx2  # noqa: PLC0415 - not before it is needed: it takes longer than all the rest

        try:
            response = await self.http.request(request.method, request.url, headers=request.headers, **body_of(request))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise unreachable(error, request.url) from error
        return Answer(response.status_code, response.content, response.headers)

    @property
    def http(self) -> httpx2.AsyncClient:
        """The pool of connections of the running loop, in this process."""
        loop = asyncio.get_running_loop()
        found = self._pools.get(loop)
        if found is not None and self._pid == os.getpid():
            return found
        with self._lock:
            import httpx2  # noqa: PLC0415 - see `send`

            if self._pid != os.getpid():
                self._inherited.append(self._pools)
                self._pools, self._pid = {}, os.getpid()
            for closed in [each for each in self._pools if each.is_closed()]:
                # Its connections can be used no more, and closed no better.
                self._inherited.append(self._pools.pop(closed))
            http = opened(
                partial(httpx2.AsyncClient, timeout=self._timeout, transport=self._transport, limits=limits())
            )
            self._pools[loop] = http
            return http

    async def close(self) -> None:
        """Wait for a renewal under way that will be kept, with patience that has an end; close the connections here."""
        loop = asyncio.get_running_loop()
        mine = [task for task in self._renewals if task.get_loop() is loop]
        if mine and self.session.source.is_kept:
            await asyncio.wait(mine, timeout=PATIENCE_SECONDS)
        http = self._pools.pop(loop, None)
        if http is not None and self._pid == os.getpid():
            await http.aclose()

    def _depart(self, need: Need, flight: Flight) -> None:
        renewing = asyncio.get_running_loop().create_task(self._lead(need, flight), name="gatepass-renewal")
        # The loop itself holds no task fast.
        self._renewals.add(renewing)
        renewing.add_done_callback(self._renewals.discard)
        # A task that is cancelled before its first step never runs: nobody would land the flight.
        renewing.add_done_callback(lambda _: self._arrive(flight))

    async def _lead(self, need: Need, flight: Flight) -> None:
        held: Held | None = None
        error: Exception | None = None
        try:
            held = await self.run(renewal(self.session, need))
        except Exception as raised:  # whatever it is: who waits for it has to hear of it
            error = raised
        finally:
            self._arrive(flight, held, error)

    def _arrive(self, flight: Flight, held: Held | None = None, error: Exception | None = None) -> None:
        self.session.landed(flight)
        flight.land(held, error)

    async def _perform(self, effect: Effect) -> Any:
        match effect:
            case Send(request):
                return await self.send(request)
            case Need():
                return await self.held(effect)
            case Do(deed):
                return await _in_a_thread(deed)
            case Pause(seconds):
                await asyncio.sleep(seconds)
                return None


async def _in_a_thread(deed: Any) -> Any:
    """Not abandoned when cancelled: what it writes must be written before the lock around it is given back."""
    work = asyncio.get_running_loop().run_in_executor(None, deed)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


async def _landed(flight: Flight) -> Held | None:
    """Wait without blocking the loop, also for a thread or for another loop."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not future.done():
            future.set_result(None)

    def landed() -> None:
        # A loop that was closed meanwhile has nobody who waits, and must not keep the others from hearing.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell)

    flight.call_after(landed)
    await future
    return flight.outcome()
