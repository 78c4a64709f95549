"""How many requests one client may have under way, so that one cannot take what is there for all."""

from __future__ import annotations

from typing import Final

from gatepass.domain.network import network_of
from gatepass.http.messages import Request
from gatepass.http.refusals import TooManyRequests

# What an operator's machinery asks has to be answered whoever else asks.
_HEALTH: Final = frozenset({"/livez", "/readyz", "/metrics"})


class InFlight:
    """
    Counts requests by the network of their client, from their first byte to the last one of their answer.

    Args:
        most: how many of one network may be under way; None: any number.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._counts: dict[str, int] = {}

    def enter(self, request: Request) -> None:
        """
        Count a request whose client is known.

        Raises:
            TooManyRequests: it would be one too many; nothing was counted.
        """
        if self._most is None or request.path in _HEALTH:
            return
        network = network_of(request.client)
        count = self._counts.get(network, 0)
        if count >= self._most:
            raise TooManyRequests(retry_after_seconds=1)
        self._counts[network] = count + 1
        request.counted_as = network

    def leave(self, request: Request) -> None:
        """Uncount it, if it was counted."""
        network = request.counted_as
        if network is None:
            return
        request.counted_as = None
        if self._counts[network] == 1:
            del self._counts[network]
        else:
            self._counts[network] -= 1
