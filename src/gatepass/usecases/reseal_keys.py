"""After a change of the operator's secret key: every key in the store sealed under the new one."""

from __future__ import annotations

from dataclasses import dataclass

from gatepass.domain.errors import KeyUnusable
from gatepass.usecases.begin_rotation import BUSY, TRIES
from gatepass.usecases.ports import Resealed, Reseals, SealedKeys


@dataclass(frozen=True, slots=True)
class ResealKeys:
    """
    Seals anew what the previous secret key sealed, in one transaction. It may be interrupted and repeated at will.

    The keys themselves stay the same: no token is lost.
    """

    keys: SealedKeys
    sealer: Reseals

    async def __call__(self) -> tuple[int, int]:
        """
        How many were sealed anew, and how many keys there are; all of them are under the present secret key now.

        Raises:
            KeyUnusable: neither secret key opens one of them, or others keep changing them; nothing was written.
        """
        for _ in range(TRIES):
            rows = await self.keys.all()
            anew = [(row, self.sealer.reseal(row)) for row in rows]
            changes = [Resealed(row.id, row.sealed, sealed) for row, sealed in anew if sealed is not None]
            if await self.keys.reseal(changes):
                return len(changes), len(rows)
        raise KeyUnusable(BUSY)
