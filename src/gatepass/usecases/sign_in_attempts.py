"""Attempts to sign in: counted in the store before any hashing, whichever door they come through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from gatepass.domain import device_hint
from gatepass.domain.account import NOBODY
from gatepass.domain.attempts import NO_WAIT, AttemptLimits, CounterKey, Decision, SignInAttempt, Standing, Taken, Wait
from gatepass.domain.audit import AuditEvent, Note
from gatepass.domain.errors import FlowUnavailable, HashingFailed, Overloaded, StoreUnavailable
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.network import network_of
from gatepass.usecases.attempts import rate_limited
from gatepass.usecases.notes import of_rate_limit
from gatepass.usecases.ports import Clock, Counters, RefreshKeys

_Outcome = TypeVar("_Outcome")
_Rule = Callable[[Standing, datetime], Decision[_Outcome]]
Pseudonym = Callable[[str], bytes]
"""Stands for a name in the counters; who has the store alone cannot find the name from it."""

NO_GUESS: Final = (Overloaded, HashingFailed, FlowUnavailable, StoreUnavailable)
"""What ends an attempt before its password was compared."""
_BETWEEN_LOOKS: Final = timedelta(milliseconds=50)


@dataclass(frozen=True, slots=True)
class AttemptingClient:
    """
    Who attempts it: from which address, and by what it is known, if it is.

    `device_hint` is what an earlier sign-in gave; one that is not good for the account is as none. `session` is a
    sign-in of the account that the client has proven to hold.
    """

    address: str | None = None
    device_hint: str | None = None
    session: SessionId | None = None


@dataclass(slots=True)
class Attempt:
    """An attempt that may be made. Whoever makes it says whether the password was right."""

    succeeded: bool = False


class SignInAttempts:
    """
    Lets attempts through within `limits`. Fails closed: what cannot be counted is not tried.

    In this process no more attempts of one lane are under way at once than may fail; the others wait for their turn, so
    that many good sign-ins at once refuse nobody. Other processes have attempts under way too, which count until they
    turn out to be right: a known client that meets only as many as are free waits for that.

    Args:
        pseudonym: of account names.
        patience: how long an attempt may wait for its turn.
        settling: how long after an attempt elsewhere was counted it may be waited for.
    """

    def __init__(
        self,
        counters: Counters,
        limits: AttemptLimits,
        clock: Clock,
        *,
        pseudonym: Pseudonym,
        hint_keys: RefreshKeys,
        patience: timedelta = timedelta(seconds=5),
        settling: timedelta = timedelta(milliseconds=500),
    ) -> None:
        self._counters = counters
        self._limits = limits
        self._pseudonym = pseudonym
        self._hint_keys = hint_keys
        self._clock = clock
        self._turns = _Turns(limits.delays.free, patience)
        self._settling_time = settling
        self._settling: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def attempt(
        self, name: str, account: AccountId | None, client: AttemptingClient, refused_as: AuditEvent
    ) -> AsyncIterator[Attempt]:
        """
        Make one attempt inside the block. It counts as a failure unless `succeeded` was set, or no guess was made.

        Args:
            name: the account's address, or whatever was given in its place.
            account: the one with that name, where there is one.
            refused_as: noted, if it is the first that a counter refuses within a window.

        Raises:
            RateLimited: too many failures before; nothing was counted.
            Overloaded: too many attempts at this account at once.
        """
        asked = SignInAttempt(self._pseudonym(name), network_of(client.address), self._device(account, client))
        async with AsyncExitStack() as turn:
            await turn.enter_async_context(self._turns.turn((asked.owner, asked.device or asked.network)))
            taken = await self._take(asked, of_rate_limit(refused_as))
            attempt = Attempt()
            try:
                yield attempt
            except NO_GUESS:
                with suppress(StoreUnavailable):
                    keys = asked.taken_keys(taken)
                    await self._change(keys, lambda standing, now: asked.give_back(taken, standing, self._limits, now))
                raise
            if attempt.succeeded:
                self._settle(asked, taken, turn.pop_all())

    async def close(self) -> None:
        """Finish what is being written."""
        await asyncio.gather(*self._settling, return_exceptions=True)

    async def _take(self, asked: SignInAttempt, note: Note[object]) -> Taken:
        looks = self._settling_time // _BETWEEN_LOOKS
        while True:
            settling = self._settling_time if looks else NO_WAIT
            decided = await self._change(asked.keys, self._taking(asked, settling), note)
            if not isinstance(decided, Wait):
                return decided
            if not decided.may_settle:
                raise rate_limited(decided.seconds)
            looks -= 1
            await asyncio.sleep(_BETWEEN_LOOKS.total_seconds())

    def _taking(self, asked: SignInAttempt, settling: timedelta) -> _Rule[Taken | Wait]:
        return lambda standing, now: asked.take(standing, self._limits, now, settling=settling)

    def _settle(self, asked: SignInAttempt, taken: Taken, turn: AsyncExitStack) -> None:
        """
        Uncount a success beside what follows it, so that nobody waits for the disk twice; its turn lasts until then.

        Were it lost, one failure too many would be counted.
        """

        async def settle() -> None:
            async with turn:
                keys = asked.taken_keys(taken)
                await self._change(keys, lambda standing, now: asked.settle(taken, standing, self._limits, now))

        task = asyncio.ensure_future(settle())
        self._settling.add(task)
        task.add_done_callback(self._settled)

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._settling.discard(task)
        with suppress(asyncio.CancelledError):
            task.exception()

    async def _change(
        self, keys: Sequence[CounterKey], rule: _Rule[_Outcome], note: Note[_Outcome] | None = None
    ) -> _Outcome:
        """
        Nobody waits for the disk: that a password was right or wrong is written durably before anybody hears of it.

        What counted the attempt was written before that, so lasts as long.
        """
        now = self._clock()
        return await self._counters.change(keys, lambda standing: rule(standing, now), note=note, delayed=True)

    def _device(self, account: AccountId | None, client: AttemptingClient) -> str | None:
        if client.session is not None and account is not None:
            return str(client.session)
        hint = device_hint.parse(client.device_hint) if client.device_hint is not None else None
        if hint is None:
            return None
        key = self._hint_keys.find(hint.key_id)
        # For a name that nobody has the MAC is computed too: the clock must not tell which names there are.
        if key is None or not device_hint.is_authentic(hint, key, account or NOBODY.id) or account is None:
            return None
        return str(hint.session) if self._clock() - hint.issued_at < self._limits.known_for else None


class _Turns:
    """So many at once for each key; the others wait in line."""

    def __init__(self, at_once: int, patience: timedelta) -> None:
        self._at_once = at_once
        self._patience = patience
        self._lines: dict[tuple[bytes, str], _Line] = {}

    @asynccontextmanager
    async def turn(self, key: tuple[bytes, str]) -> AsyncIterator[None]:
        """
        Wait for a turn and keep it inside the block.

        Raises:
            Overloaded: it did not come in time.
        """
        line = self._lines.get(key) or self._lines.setdefault(key, _Line(asyncio.Semaphore(self._at_once)))
        line.users += 1
        try:
            await self._take_place(line.places)
            try:
                yield
            finally:
                line.places.release()
        finally:
            line.users -= 1
            if not line.users:
                del self._lines[key]

    async def _take_place(self, places: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self._patience.total_seconds() if places.locked() else None):
                await places.acquire()
        except TimeoutError:
            raise Overloaded(retry_after_seconds=1) from None


@dataclass(slots=True)
class _Line:
    places: asyncio.Semaphore
    users: int = 0
