"""Carries out flows in the calling thread."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

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
PATIENCE_SECONDS: Final = 5.0
"""So long a renewal under way may keep a client from closing, or the process from ending, after Ctrl-C say."""


class Blocking:
    """
    Flows over one pool of connections, for any number of threads.

    A renewal runs in a thread of its own; see `_depart`.

    Args:
        transport: of httpx2, in place of the network.
        timeout: seconds for each of connecting, sending and waiting for bytes.
    """

    def __init__(self, session: Session, timeout: float, transport: httpx2.BaseTransport | None = None) -> None:
        self.session = session
        self._timeout = timeout
        self._transport = transport
        self._lock = ForkSafeLock()
        self._http: httpx2.Client | None = None
        self._renewal: threading.Thread | None = None
        self._pid = os.getpid()
        # A child's copies of its parent's connections: kept, since to close them would be heard at the other end.
        self._inherited: list[httpx2.Client] = []

    def run(self, flow: Flow[Result]) -> Result:
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
                    outcome = self._perform(effect)
                except ClientError as raised:
                    error = raised
        finally:
            flow.close()

    def held(self, need: Need = NO_WISH) -> Held:
        """
        A token that meets the need, renewed if it has to be; once, and all threads wait for it.

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
            # None again: whoever carried it out was stopped, or its token does not meet this need.
            found = found or flight.wait()
            if found is not None and (is_leading or found.access != need.refused):
                return found

    def send(self, request: Request) -> Answer:
        """
        Send a request and read the answer.

        Raises:
            ServerUnreachable: no whole answer came.
            BadNetworkSetting: the environment names a proxy or an authority that cannot be used.
        """
        import httpx2  # noqa: PLC0415 - not before it is needed: it takes longer than all the rest

        http = self.http
        try:
            response = http.request(request.method, request.url, headers=request.headers, **body_of(request))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise unreachable(error, request.url) from error
        return Answer(response.status_code, response.content, response.headers)

    @property
    def http(self) -> httpx2.Client:
        """The pool of connections of this process; a child after a fork gets its own."""
        http = self._http
        if http is not None and self._pid == os.getpid():
            return http
        with self._lock:
            if self._http is not None and self._pid != os.getpid():
                self._inherited.append(self._http)
                self._http = None
            if self._http is None:
                import httpx2  # noqa: PLC0415 - see `send`

                self._http = opened(
                    partial(httpx2.Client, timeout=self._timeout, transport=self._transport, limits=limits())
                )
                self._pid = os.getpid()
            return self._http

    def close(self) -> None:
        """Wait for a renewal under way that will be kept, with patience that has an end, and close the connections."""
        if self._renewal is not None and self.session.source.is_kept:
            self._renewal.join(PATIENCE_SECONDS)
            _renewals.discard(self._renewal)  # nor is it waited for once more at the process's end
        with self._lock:
            http, self._http = self._http, None
        if http is not None and self._pid == os.getpid():
            http.close()

    def _depart(self, need: Need, flight: Flight) -> None:
        """In a thread of its own: Ctrl-C while it waits must not lose tokens that the server has given already."""
        thread = threading.Thread(target=self._lead, args=(need, flight), name="gatepass-renewal", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # at the interpreter's end, and where there are no threads at all
            self._lead(need, flight)
        else:
            if self.session.source.is_kept:  # else nobody could use its tokens after the process
                _renewals.add(thread)
            self._renewal = thread

    def _lead(self, need: Need, flight: Flight) -> None:
        held: Held | None = None
        error: Exception | None = None
        try:
            held = self.run(renewal(self.session, need))
        except Exception as raised:  # whatever it is: who waits for it has to hear of it
            error = raised
        finally:
            self.session.landed(flight)
            flight.land(held, error)

    def _perform(self, effect: Effect) -> Any:
        match effect:
            case Send(request):
                return self.send(request)
            case Need():
                return self.held(effect)
            case Do(deed):
                return deed()
            case Pause(seconds):
                time.sleep(seconds)
                return None


_renewals: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


@atexit.register
def _wait_for_renewals() -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    for thread in list(_renewals):
        thread.join(max(deadline - time.monotonic(), 0.0))


def body_of(request: Request) -> Mapping[str, Any]:
    """The arguments of httpx2 for a request's body."""
    if request.fields is not None:
        return {"data": dict(request.fields), **({"files": list(request.files)} if request.files else {})}
    return {"content": request.content} if request.content else {}


def limits() -> httpx2.Limits:
    """As many connections as threads or tasks want: who needs fewer says so with fewer threads."""
    import httpx2  # noqa: PLC0415 - see `send`

    return httpx2.Limits(max_connections=None, max_keepalive_connections=64)
