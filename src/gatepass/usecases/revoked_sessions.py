"""What this process knows of revocations, so that no request has to ask the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from gatepass.domain.errors import StoreUnavailable
from gatepass.domain.identifiers import SessionId
from gatepass.usecases.ports import Clock, RevocationFeed

_CLOCK_STEP: Final = timedelta(seconds=1)
"""A clock may be set back by so much without a further thought; tokens expire long before their revocation does."""
_FORGET_EVERY: Final = timedelta(minutes=1)


class RevokedSessions:
    """
    The sessions whose access tokens must be refused, kept fresh from the store's feed.

    `refresh` is to be called several times a second. Fails closed: once the feed has been silent for longer than
    `stale_after`, every question is answered with `StoreUnavailable`.
    """

    def __init__(self, feed: RevocationFeed, clock: Clock, stale_after: timedelta) -> None:
        self._feed = feed
        self._clock = clock
        self._stale_after = stale_after
        self._cursor = 0
        self._until: dict[SessionId, datetime] = {}
        self._forgotten_at = datetime.min.replace(tzinfo=UTC)
        self._watchers: dict[SessionId, set[asyncio.Event]] = {}
        self._fresh_at: datetime | None = None

    async def refresh(self) -> None:
        """
        Take in what was revoked since the last time, wake the streams that it ends, and forget what has expired.

        Raises:
            StoreUnavailable: what is known stays as it is, and grows stale.
        """
        now = self._clock()
        if self._fresh_at is not None and now < self._fresh_at - _CLOCK_STEP:
            # What had expired by a clock that has jumped back since may have to be refused again.
            self._cursor, self._forgotten_at = 0, now
        page = await self._feed.since(self._cursor, now)
        self._cursor = page.cursor
        for revocation in page.revocations:
            self._until[revocation.session] = revocation.until
            for event in self._watchers.get(revocation.session, ()):
                event.set()
        self._fresh_at = now
        self._forget(now)

    def contains(self, session: SessionId) -> bool:
        """
        Whether access tokens of this session must be refused.

        Raises:
            StoreUnavailable: not known; the feed is stale.
        """
        self.check_fresh()
        return session in self._until

    def check_fresh(self) -> None:
        """Raise `StoreUnavailable` where the feed has been silent for too long."""
        # An answer of the future is as stale as one of the past: a clock that jumped back must not make it last.
        if self._fresh_at is None or abs(self._clock() - self._fresh_at) > self._stale_after:
            raise StoreUnavailable("revocations are unknown: the store has not answered for too long")

    @contextmanager
    def watch(self, session: SessionId) -> Iterator[asyncio.Event]:
        """An event that is set when this session is revoked, for answers that stay open."""
        event = asyncio.Event()
        if session in self._until:
            event.set()
        watchers = self._watchers.setdefault(session, set())
        watchers.add(event)
        try:
            yield event
        finally:
            watchers.discard(event)
            if not watchers:
                self._watchers.pop(session, None)

    def _forget(self, now: datetime) -> None:
        """Now and then: to look through a million entries, as after `revoke-all`, takes a tenth of a second."""
        if now - self._forgotten_at < _FORGET_EVERY:
            return
        self._forgotten_at = now
        expired = [session for session, until in self._until.items() if until <= now]
        for session in expired:
            del self._until[session]
