"""Whether the client is still on the line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from gatepass.http.asgi import Message, Receive


class Hangup:
    """
    The client's end of a request whose body has been read.

    Nobody listens until someone asks, because listening costs a task and most answers are out before it would matter.
    """

    __slots__ = ("_listening", "_receive")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    def never(cls) -> Hangup:
        """The end of a request that no client sent."""
        return cls(_silence)

    async def wait(self) -> None:
        """Return once the client has hung up."""
        await asyncio.wait((self._listen(),))

    @contextmanager
    def calling(self, gone: Callable[[], None]) -> Iterator[None]:
        """Call `gone`, once, if the client hangs up within the body of the `with`."""

        def heard(listening: asyncio.Task[None]) -> None:
            if not listening.cancelled():
                gone()

        listening = self._listen()
        listening.add_done_callback(heard)
        try:
            yield
        finally:
            listening.remove_done_callback(heard)

    def stop(self) -> None:
        """Stop listening, if anyone did."""
        if self._listening is not None:
            self._listening.cancel()

    def _listen(self) -> asyncio.Task[None]:
        if self._listening is None:
            self._listening = asyncio.get_running_loop().create_task(self._until_gone())
        return self._listening

    async def _until_gone(self) -> None:
        with suppress(Exception):  # a line that cannot be heard is a dead line
            while (await self._receive())["type"] != "http.disconnect":
                pass


async def _silence() -> Message:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("a future that nobody knows came true")
