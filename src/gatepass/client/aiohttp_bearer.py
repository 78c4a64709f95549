"""`AiohttpBearer`: the token for requests that aiohttp sends. Imports nothing of aiohttp."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from gatepass.client.effects import NO_WISH, Answer
from gatepass.client.foreign import Origins, attempts, authorization, held_for, may_be_refusal, next_send_async

if TYPE_CHECKING:
    from gatepass.client.async_client import AsyncClient
    from gatepass.client.client import Client


class AiohttpBearer:
    """
    Sends the access token with each request of an aiohttp session, and the request once more if the server refused
    the token before it ran.

        bearer = AiohttpBearer(AsyncClient("https://api.example.org/graphql/"))
        aiohttp.ClientSession(middlewares=[bearer])                        # aiohttp 3.12 and later
        session.post(url, json=…, headers=await bearer.headers())          # or by hand, without the repeating

    Args:
        api: who has the token.
        origins: where else than to the API's own the token may go, as `https://host:port`.

    A request to another origin goes without the token.
    """

    def __init__(self, api: Client | AsyncClient, *, origins: Iterable[str] = ()) -> None:
        self._api = api
        self._origins = Origins(api.url, origins)

    async def headers(self) -> dict[str, str]:
        """The header with a token that is valid now."""
        return {"Authorization": f"Bearer {(await held_for(self._api, NO_WISH)).access}"}

    async def __call__(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """See aiohttp's client middlewares."""
        if request.url not in self._origins:
            return await handler(request)
        body = await _body(request)
        flow = attempts(self._api.session, str(request.url), body, is_repeatable=body is not None)
        send = await next_send_async(self._api, flow)
        response: Any = None
        while send is not None:
            if response is not None:
                response.release()
            request.headers["Authorization"] = authorization(send)
            response = await handler(request)
            content = await response.read() if may_be_refusal(response.status, response.headers) else b""
            send = await next_send_async(self._api, flow, Answer(response.status, content, response.headers))
        return response


async def _body(request: Any) -> bytes | None:
    """The body, if it can be sent twice."""
    body = request.body
    if isinstance(body, bytes):
        return body
    # A payload says whether reading it uses it up.
    if getattr(body, "consumed", False) or type(body).__name__ not in ("BytesPayload", "StringPayload", "JsonPayload"):
        return None
    return bytes(await body.as_bytes())
