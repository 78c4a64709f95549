"""`BearerAuth`: the token for requests that httpx2, httpx or requests send."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import AsyncGenerator, Generator, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from gatepass.client.effects import Answer, Flow, Send
from gatepass.client.foreign import Origins, attempts, authorization, may_be_refusal, next_send, next_send_async

if TYPE_CHECKING:
    import httpx2

    from gatepass.client.async_client import AsyncClient
    from gatepass.client.client import Client

    _Base = httpx2.Auth
else:

    def _auth_classes() -> list[type]:
        """`Auth` of httpx2, and of httpx where that is installed: both look for an instance of their own class."""
        found = [importlib.import_module("httpx2").Auth]
        if importlib.util.find_spec("httpx") is not None:
            auth = importlib.import_module("httpx").Auth
            found += [auth] if auth not in found else []
        return found

    _Base = type("_Base", tuple(_auth_classes()), {})


class BearerAuth(_Base):
    """
    Sends the access token with each request, and the request once more if the server refused the token before it ran.

        api = Client("https://api.example.org/graphql/")
        httpx2.Client(auth=BearerAuth(api))          # or AsyncClient, or those of httpx
        requests.Session().auth = BearerAuth(api)

    Args:
        api: who has the token, a `Client`; an `AsyncClient` will do for asynchronous ones.
        origins: where else than to the API's own the token may go, as `https://host:port`.

    A request to another origin goes without the token. One whose body can be read only once is not repeated.

    Raises, from the request: SignInRequired and the other errors of `Client.token`.
    """

    def __init__(self, api: Client | AsyncClient, *, origins: Iterable[str] = ()) -> None:
        self._api = api
        self._origins = Origins(api.url, origins)

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """See httpx2."""
        if request.url not in self._origins:
            yield request
            return
        api, flow = self._blocking(), self._flow(request)
        send = next_send(api, flow)
        while send is not None:
            request.headers["Authorization"] = authorization(send)
            response = yield request
            if may_be_refusal(response.status_code, response.headers):
                response.read()
            send = next_send(api, flow, _answer(response))

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """See httpx2."""
        if request.url not in self._origins:
            yield request
            return
        flow = self._flow(request)
        send = await next_send_async(self._api, flow)
        while send is not None:
            request.headers["Authorization"] = authorization(send)
            response = yield request
            if may_be_refusal(response.status_code, response.headers):
                await response.aread()
            send = await next_send_async(self._api, flow, _answer(response))

    def __call__(self, request: Any) -> Any:
        """See requests: its `PreparedRequest` gets the header, and a hook that looks at the answer."""
        if request.url not in self._origins:
            return request
        body = request.body.encode() if isinstance(request.body, str) else request.body
        is_bytes = body is None or isinstance(body, bytes)
        flow = attempts(self._api.session, str(request.url), body if is_bytes else None, is_repeatable=is_bytes)
        send = next_send(self._blocking(), flow)
        if send is not None:
            request.headers["Authorization"] = authorization(send)
            request.register_hook("response", partial(self._look_at, flow))
        return request

    def _look_at(self, flow: Flow[Answer], response: Any, **how: Any) -> Any:
        """Send the request of requests again if the flow wants it; a finished flow (a redirect's) wants nothing."""
        if inspect.getgeneratorstate(flow) == inspect.GEN_CLOSED:
            return response
        while True:
            if may_be_refusal(response.status_code, response.headers):
                _ = response.content
            send = next_send(self._blocking(), flow, _answer_of_requests(response))
            if send is None:
                return response
            again = _prepared_again(response, send)
            following = response.connection.send(again, **how)
            following.history.append(response)
            following.request = again
            response = following

    def _flow(self, request: Any) -> Flow[Answer]:
        # What was given as bytes is there at once; a stream has no content before it was read.
        body = getattr(request, "_content", None)
        return attempts(self._api.session, str(request.url), body, is_repeatable=body is not None)

    def _blocking(self) -> Client:
        from gatepass.client.client import Client  # noqa: PLC0415 - only to tell the two apart

        if not isinstance(self._api, Client):
            raise TypeError("A synchronous HTTP client needs BearerAuth(Client(…)), not an AsyncClient.")
        return self._api


def _answer(response: Any) -> Answer:
    is_read = getattr(response, "is_closed", False) and hasattr(response, "_content")
    return Answer(response.status_code, response.content if is_read else b"", response.headers)


def _answer_of_requests(response: Any) -> Answer:
    is_read = isinstance(response._content, bytes)  # noqa: SLF001 - `content` would read it
    return Answer(response.status_code, response.content if is_read else b"", response.headers)


def _prepared_again(response: Any, send: Send) -> Any:
    """As requests' own `HTTPDigestAuth` does it: the connection is given back, cookies are kept."""
    response.close()
    again = response.request.copy()
    again.headers["Authorization"] = authorization(send)
    return again
