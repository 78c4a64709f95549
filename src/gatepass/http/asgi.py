"""The types of ASGI 3, as far as they are used here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Headers = list[tuple[bytes, bytes]]
"""Lower-case names, as ASGI gives and takes them."""


class WholeExchange(Protocol):
    """
    What our own server offers beside `receive` and `send`, under `WHOLE` in `scope["extensions"]`.

    To be used only by who was handed that very `receive` and `send`: where a middleware stands between, it must see
    what passes.
    """

    async def receive(self) -> Any:
        """As ASGI says."""
        ...

    async def send(self, message: Any) -> None:
        """As ASGI says."""
        ...

    def whole_body(self) -> bytes | None:
        """The request's body, once, if all of it is here and none was received yet; None sends the caller to ASGI."""
        ...

    def answer(self, status: int, headers: Headers, body: bytes) -> bool:
        """Send head and body, Content-Length included; False sends the caller to ASGI."""
        ...


WHOLE = "gatepass.whole"


def whole_exchange(scope: Scope, receive: Receive, send: Send) -> WholeExchange | None:
    """
    The server's own exchange, if there is one and nobody stands between it and the caller; once.

    It is taken out of the scope, which the exchange holds: left in, the two would wait for the garbage collector.
    """
    extensions = scope.get("extensions", {})
    exchange: WholeExchange | None = extensions.get(WHOLE)
    if exchange is None or exchange.receive != receive or exchange.send != send:
        return None
    del extensions[WHOLE]
    return exchange
