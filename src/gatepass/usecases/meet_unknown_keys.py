"""A bearer token whose key another process may have begun to use a moment ago."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gatepass.domain.access_token import Caller
from gatepass.domain.errors import UnknownSigningKey
from gatepass.usecases.authenticate import Authenticate


@dataclass(frozen=True, slots=True)
class MeetUnknownKeys:
    """
    `Authenticate` as every door has it: no token is refused for a key that is merely new.

    It waits for nothing unless a key is not known.
    """

    authenticate: Authenticate
    catch_up: Callable[[str | None], Awaitable[None]]
    """Learn the new keys of an issuer, None for this server; returns soon, and not without end, if there are none."""

    async def __call__(self, token: str) -> Caller:
        """
        The caller that this token proves.

        Raises:
            Unauthenticated, StoreUnavailable: as `Authenticate`.
        """
        try:
            return self.authenticate(token)
        except UnknownSigningKey as unknown:
            issuer = unknown.issuer
        await self.catch_up(issuer)
        return self.authenticate(token)
