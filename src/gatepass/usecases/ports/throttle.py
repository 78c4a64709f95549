"""How often something may be tried."""

from __future__ import annotations

from typing import Protocol

from gatepass.domain.audit import AuditEvent


class Throttle(Protocol):
    """
    Counts attempts by what they have in common: an address, an account, all of them.

    An attempt is taken before it is made, and given back where it was no guess, so that many at once cannot slip by.
    """

    async def take(self, *keys: str, refused_as: AuditEvent | None = None) -> None:
        """
        Count one attempt for each key.

        Args:
            keys: one or more, `kind:subject`; how many attempts there may be belongs to the kind.
            refused_as: noted, if this is the first to be refused within a window.

        Raises:
            RateLimited: one of them has none left; nothing was counted. It says when to come back.
        """
        ...

    async def give_back(self, *keys: str) -> None:
        """Uncount it."""
        ...
