"""One sign-in as all threads and tasks of a process share it: the tokens in hand, and the one renewal under way."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gatepass.client.address import is_same
from gatepass.client.effects import NO_WISH, Need
from gatepass.client.errors import SignInRefused, SignInRequired
from gatepass.client.exchange import Clocks, Endpoint
from gatepass.client.flight import Flight
from gatepass.client.fork_safe_lock import ForkSafeLock
from gatepass.client.stored import NoStore, ProcessLock, SignInStore, StoredSignIn
from gatepass.client.tokens import Held, held_from_store

# After a renewal that could not be done, while the token in hand still lives.
_POSTPONED_SECONDS = 5.0
# For so long a refusal that may mean "you may not do that" leads to no renewal, once one did not help against it.
_IN_VAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Source:
    """
    Where tokens come from.

    Args:
        token: an access token that was given as it is; it cannot be renewed.
        username, password: to sign in with, as often as it takes.
        profile, store: where a sign-in is kept; only there without a token and a password of our own.
    """

    url: str
    management_flow: bool = True
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    profile: str | None = None
    store: SignInStore = field(default_factory=NoStore)
    origin: str = "arguments"

    @property
    def is_kept(self) -> bool:
        """Whether the sign-in lives in the store, where other processes find it."""
        is_given = self.token is not None or self.password is not None
        return not is_given and self.profile is not None and not isinstance(self.store, NoStore)


class Session:
    """
    The state that a client and its adapters share.

    Readers take `held` without a lock: it is one reference to a frozen value. `lock` guards who leads a renewal, and is
    never held over anything that waits.
    """

    def __init__(
        self,
        source: Source,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.source = source
        self.clocks = Clocks(monotonic, wall)
        self.username = source.username or ""
        self.held: Held | None = None if source.token is None else Held(source.token)
        self.flight: Flight | None = None
        self.lock = ForkSafeLock()
        self.dead_refresh: str | None = None
        self.refused: SignInRefused | None = None
        self._renewed_in_vain: tuple[str, float] | None = None
        self.postponed_until = 0.0
        # What the store has still, where our tokens are newer and could not be written: its refresh token is spent.
        self.overtaken: StoredSignIn | None = None
        _all.add(self)

    @property
    def endpoint(self) -> Endpoint:
        """Who is asked for tokens."""
        return Endpoint(self.source.url, self.source.management_flow, self.clocks)

    def usable(self, need: Need = NO_WISH) -> Held | None:
        """The token in hand, if it meets the need without renewal."""
        held = self.held
        if held is None or not held.access or held.access == need.refused:
            return None
        now = self.clocks.monotonic()
        if held.is_lasting(now, need.min_ttl_seconds):
            return held
        can_wait = need.min_ttl_seconds == 0 and now < self.postponed_until
        return held if can_wait and held.is_alive(now) else None

    def usable_meanwhile(self, need: Need) -> Held | None:
        """The token in hand, if it is good enough for who would otherwise wait for a renewal."""
        held = self.held
        if held is None or not held.access or need != NO_WISH or not held.is_alive(self.clocks.monotonic()):
            return None
        return held

    def boarded(self, need: Need) -> tuple[Held | None, Flight, bool]:
        """A usable token, or the renewal to wait for; True for whoever has to carry it out."""
        with self.lock:
            found = self.usable(need)
            is_leading = found is None and self.flight is None
            if is_leading:
                self.flight = Flight()
            elif found is None:
                found = self.usable_meanwhile(need)
            return found, self.flight or _LANDED, is_leading

    def landed(self, flight: Flight) -> None:
        """The renewal is over; the next may begin."""
        with self.lock:
            if self.flight is flight:
                self.flight = None

    def take(self, held: Held) -> Held:
        """Have new tokens in hand."""
        self.held = held
        self.dead_refresh = self.refused = self._renewed_in_vain = None
        self.postponed_until = 0.0
        return held

    def adopt(self, kept: StoredSignIn) -> Held:
        """Have in hand what is kept, unless it is that already: then its life is known better than the file tells."""
        self.username = kept.username
        held = self.held
        if held is not None and (held.access, held.refresh) == (kept.access_token or "", kept.refresh_token):
            return held
        dead = self.dead_refresh
        taken = self.take(held_from_store(kept, now=self.clocks.monotonic(), wall=self.clocks.wall()))
        self.dead_refresh = dead if dead == taken.refresh else None
        return taken

    def is_ours(self, kept: StoredSignIn) -> bool:
        """Whether what is kept belongs to this server, and to the user that was asked for, if one was."""
        source = self.source
        return is_same(kept.url, source.url) and source.username in (None, kept.username)

    def postpone(self) -> None:
        """Do not try a renewal for a moment."""
        self.postponed_until = self.clocks.monotonic() + _POSTPONED_SECONDS

    def note_renewed_in_vain(self, access: str) -> None:
        """A new token was refused at once."""
        self._renewed_in_vain = (access, self.clocks.monotonic())

    def is_renewed_in_vain(self, access: str) -> bool:
        """Whether that was a moment ago. Not for ever: the server may have been mended, or lost its tokens again."""
        noted = self._renewed_in_vain
        return noted is not None and noted[0] == access and self.clocks.monotonic() - noted[1] < _IN_VAIN_SECONDS

    def forget(self) -> None:
        """Have nothing in hand."""
        self.held = None
        self.postponed_until = 0.0

    def process_lock(self) -> ProcessLock:
        """What other processes heed while the kept sign-in is renewed."""
        return self.source.store.lock(self.source.profile or "")

    def to_keep(self, held: Held) -> StoredSignIn:
        """The form for the store."""
        source = self.source
        return StoredSignIn(
            profile=source.profile or "",
            url=source.url,
            username=self.username,
            management_flow=source.management_flow,
            access_token=held.access,
            refresh_token=held.refresh,
            obtained_at=held.obtained_at,
            expires_at=held.obtained_at + held.lifetime_seconds,
            says_lifetime=held.says_lifetime,
            device_hint=held.device_hint,
            gives_hint=held.gives_hint,
        )

    def required(self, reason: str) -> SignInRequired:
        """The error for when there is nothing to get a token with."""
        return SignInRequired(reason, url=self.source.url, profile=self.source.profile)

    def after_fork(self) -> None:
        """
        In a child: no renewal is under way, and a refresh token that is kept nowhere stays the parent's.

        Two that present one refresh token would end each other's session. A kept one is shared through its store.
        """
        self.flight = None
        held = self.held
        if held is not None and not self.source.is_kept and held.refresh is not None:
            self.held = replace(held, refresh=None)


_LANDED = Flight()
_all: weakref.WeakSet[Session] = weakref.WeakSet()


def _after_fork() -> None:
    for session in list(_all):
        session.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
