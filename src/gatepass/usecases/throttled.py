"""Who has failures to their name, and forgetting them: for operators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gatepass.domain.account import Account, email_address
from gatepass.domain.attempts import (
    LANES,
    MARKS,
    NETWORKS,
    OVERALL,
    AttemptLimits,
    Counter,
    CounterKey,
    Decision,
)
from gatepass.domain.network import network_of
from gatepass.usecases.ports import Accounts, Clock, Counters
from gatepass.usecases.sign_in_attempts import Pseudonym

PAGE: Final = 500
UNKNOWN_NAME: Final = "(a name that has no account)"
EVERYBODY: Final = "(everybody)"


@dataclass(frozen=True, slots=True)
class Throttled:
    """
    One counter, for people.

    `who` is an account's address, a network or a word in parentheses; `failures` is 0 for rates; `next_attempt_at` is
    None where nobody has to wait.
    """

    who: str
    kind: str
    network: str
    failures: int
    next_attempt_at: datetime | None
    forgotten_at: datetime


@dataclass(frozen=True, slots=True)
class ThrottleDesk:
    """Shows and clears counters of failures. Which networks are known to an account is not forgotten."""

    counters: Counters
    accounts: Accounts
    limits: AttemptLimits
    pseudonym: Pseudonym
    clock: Clock

    async def show(self) -> list[Throttled]:
        """Every counter that counts at the moment; those that make somebody wait longest come first."""
        now = self.clock()
        names = {self.pseudonym(account.email): str(account.email) async for account in self._everyone()}
        found = [self._described(key, counter, names, now) async for key, counter in self._counting(now)]
        never = datetime.min.replace(tzinfo=now.tzinfo)
        return sorted(found, key=lambda each: each.next_attempt_at or never, reverse=True)

    async def clear(self, who: str) -> int:
        """
        Forget the failures of an account or a network; how many counters.

        Args:
            who: an e-mail address, an IP address or a network as `show` prints it.

        Raises:
            BadUserInput: neither of these.
        """
        network = network_of(who.partition("/")[0])
        if network != network_of(None) or who == network:
            return await self._forget(lambda key: not key.owner and key.subject == network)
        owner = self.pseudonym(email_address(who))
        return await self._forget(lambda key: key.owner == owner)

    async def clear_all(self) -> int:
        """Forget all failures of everybody; how many counters."""
        return await self._forget(lambda _: True)

    async def _forget(self, is_meant: Callable[[CounterKey], bool]) -> int:
        keys = [key async for key, _ in self._counting(self.clock()) if is_meant(key)]
        for start in range(0, len(keys), PAGE):
            gone = dict.fromkeys(keys[start : start + PAGE])
            await self.counters.change(list(gone), lambda _, gone=gone: Decision(None, gone))  # type: ignore[misc]
        return len(keys)

    async def _counting(self, now: datetime) -> AsyncIterator[tuple[CounterKey, Counter]]:
        last: CounterKey | None = None
        while page := await self.counters.page(last, PAGE):
            last = page[-1][0]
            for key, counter in page:
                if key.kind not in MARKS and counter.forget_at > now:
                    yield key, counter

    async def _everyone(self) -> AsyncIterator[Account]:
        last: Account | None = None
        while page := await self.accounts.page(last.email if last else None, PAGE):
            last = page[-1]
            for account in page:
                yield account

    def _described(self, key: CounterKey, counter: Counter, names: dict[bytes, str], now: datetime) -> Throttled:
        wait = self._wait(key, counter, now)
        is_lane = key.kind in LANES
        who = names.get(key.owner, UNKNOWN_NAME) if is_lane else key.subject or EVERYBODY
        return Throttled(
            who=who,
            kind=key.kind,
            network=key.subject if key.kind == "account_network" else "",
            failures=counter.failures,
            next_attempt_at=now + wait if wait else None,
            forgotten_at=counter.forget_at,
        )

    def _wait(self, key: CounterKey, counter: Counter, now: datetime) -> timedelta:
        if key.kind in LANES:
            return self.limits.delays.wait(counter, now)
        if key.kind in NETWORKS:
            return self.limits.network.wait(counter, now)
        return self.limits.overall.wait(counter, now, self.limits.reserve) if key == OVERALL else timedelta()
