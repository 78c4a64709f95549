"""Failed sign-ins as an operator handles them: over the store's file, also while a server runs."""

from __future__ import annotations

from collections.abc import Awaitable

from gatepass.cli.accounts import utc_now, with_store
from gatepass.crypto.pseudonym import Pseudonyms
from gatepass.settings import Settings
from gatepass.settings.attempts import attempt_limits
from gatepass.usecases.ports import Store
from gatepass.usecases.throttled import Throttled, ThrottleDesk


def throttled(settings: Settings) -> list[Throttled]:
    """The counters of failures; see `ThrottleDesk`."""
    return with_store(settings, lambda store: _desk(settings, store).show())


def clear(settings: Settings, who: str | None) -> int:
    """
    Forget failures, everybody's where nobody is named; how many counters.

    Raises:
        BadUserInput: `who` is neither an e-mail address nor a network.
    """

    def deed(store: Store) -> Awaitable[int]:
        desk = _desk(settings, store)
        return desk.clear_all() if who is None else desk.clear(who)

    return with_store(settings, deed)


def _desk(settings: Settings, store: Store) -> ThrottleDesk:
    pseudonym = Pseudonyms(settings.require_secret_key())
    return ThrottleDesk(store.counters, store.accounts, attempt_limits(settings), pseudonym, utc_now)
