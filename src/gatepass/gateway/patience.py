"""Waiting for an upstream: for as long as is reasonable, and as long as its client waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gatepass.gateway.hangup import Hangup
from gatepass.gateway.upstream import ClientGone, UpstreamFailed

UNHEARD_SECONDS: Final = 0.5
"""An answer quicker than this does not cost a task that listens for the client's end."""


@asynccontextmanager
async def patience(seconds: float, hangup: Hangup, *, listen_after: float = UNHEARD_SECONDS) -> AsyncIterator[None]:
    """
    Limit the body of the `async with`.

    Raises:
        UpstreamFailed: the time is over, or the body raised `TimeoutError`.
        ClientGone: the client hung up meanwhile.
    """
    gone = False

    def leave() -> None:
        nonlocal gone
        gone = True
        limit.reschedule(0)

    try:
        async with asyncio.timeout(seconds) as limit:
            with hangup.calling(leave, after=listen_after):
                yield
    except TimeoutError as error:
        if gone:
            raise ClientGone from None
        raise UpstreamFailed("the upstream did not answer in time") from error
