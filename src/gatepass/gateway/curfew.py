"""When an answer that stays open must end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from enum import Enum, auto
from types import TracebackType
from uuid import UUID

from gatepass.domain.access_token import Caller
from gatepass.domain.errors import StoreUnavailable
from gatepass.domain.identifiers import SessionId
from gatepass.gateway.hangup import Hangup
from gatepass.usecases.ports import Clock
from gatepass.usecases.revoked_sessions import RevokedSessions


class Ending(Enum):
    """Why an answer ended before its upstream ended it. `UNSURE`: whether the session was revoked is not known."""

    CLIENT_GONE = auto()
    REVOKED = auto()
    EXPIRED = auto()
    UNSURE = auto()


class Curfew:
    """
    Ends the body of an `async with` from outside, by cancelling what it waits for, and remembers why in `ending`.

    Nothing is watched until it is armed, because most answers are over at once. Fails closed: an event stream does not
    go on where revocations are unknown.
    """

    __slots__ = ("_caller", "_clock", "_hangup", "_revoked", "_scope", "_session", "_watching", "ending")

    def __init__(self, hangup: Hangup, caller: Caller | None, revoked: RevokedSessions, clock: Clock) -> None:
        self._hangup = hangup
        self._caller = caller
        self._revoked = revoked
        self._clock = clock
        self._session: SessionId | None = None
        self._scope = asyncio.timeout(None)
        self._watching = ExitStack()
        self.ending: Ending | None = None

    async def __aenter__(self) -> Curfew:
        await self._scope.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._watching.close()
        self._hangup.stop()
        try:
            await self._scope.__aexit__(kind, error, trace)
        except TimeoutError:
            return True
        return False

    def arm_for_client(self) -> None:
        """From now on the end comes when the client hangs up."""
        self._watching.enter_context(self._hangup.calling(lambda: self._end(Ending.CLIENT_GONE)))

    def arm_for_session(self) -> None:
        """From now on it also comes when the caller's session is revoked or the access token expires."""
        if self._caller is None:
            return
        loop = asyncio.get_running_loop()
        left = (self._caller.expires_at - self._clock()).total_seconds()
        self._watching.callback(loop.call_later(left, self._end, Ending.EXPIRED).cancel)
        if self._caller.issuer is not None:
            return  # no session of ours: nothing but its time ends it
        self._session = SessionId(UUID(self._caller.session_id))
        event = self._watching.enter_context(self._revoked.watch(self._session))
        waiting = loop.create_task(_wait(event, lambda: self._end(Ending.REVOKED)))
        self._watching.callback(waiting.cancel)

    def permits(self) -> bool:
        """Whether a piece that came just now may still go out; where not, `ending` says why."""
        if self.ending is None and self._session is not None:
            try:
                if self._revoked.contains(self._session):
                    self._end(Ending.REVOKED)
            except StoreUnavailable:
                self._end(Ending.UNSURE)
        return self.ending is None

    def _end(self, ending: Ending) -> None:
        if self.ending is None:
            self.ending = ending
            self._scope.reschedule(0)


async def _wait(event: asyncio.Event, then: Callable[[], None]) -> None:
    await event.wait()
    then()
