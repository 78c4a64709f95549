"""`AsyncClient`: `Client`, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from gatepass.client.calls import (
    Asked,
    Operation,
    as_operation,
    executed,
    signed_in,
    signed_in_on_device,
    signed_out,
)
from gatepass.client.device import DeviceCode
from gatepass.client.effects import Need
from gatepass.client.pages import Pages
from gatepass.client.reply import Reply
from gatepass.client.session import Session
from gatepass.client.sources import find_source, source_to_sign_in
from gatepass.client.stored import SignInStore
from gatepass.client.tasks import Tasks
from gatepass.client.uploads import Files, upload_request

if TYPE_CHECKING:
    import httpx2


class AsyncClient:
    """
    A GraphQL API with sign-in, for asyncio. Arguments, errors and credentials as at `Client`.

    Any number of tasks may share one, and any of them may be cancelled.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        username: str | None = None,
        password: str | None = None,
        token: str | None = None,
        profile: str | None = None,
        store: SignInStore | None = None,
        management_flow: bool = True,
        timeout: float = 30.0,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        source = find_source(
            url,
            username=username,
            password=password,
            token=token,
            profile=profile,
            store=store,
            management_flow=management_flow,
        )
        self._asked_profile, self._store = profile, store
        self.session = Session(source)
        self.io = Tasks(self.session, timeout, transport)

    @property
    def url(self) -> str:
        """The GraphQL endpoint."""
        return self.session.source.url

    @property
    def profile(self) -> str | None:
        """The name that the sign-in is kept under; None for one that is not kept."""
        return self.session.source.profile if self.session.source.is_kept else None

    async def __call__(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        operation_name: str | None = None,
        files: Files | None = None,
    ) -> dict[str, Any]:
        """Send a query or mutation and return its data; raises as `Client` does."""
        return (await self.execute(query, variables, operation_name=operation_name, files=files)).data_or_raise()

    async def execute(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        operation_name: str | None = None,
        files: Files | None = None,
    ) -> Reply:
        """Send a query or mutation and return the whole answer; GraphQL errors are in it."""
        asked = Operation(query, variables, operation_name)
        if not files:
            return await self.io.run(executed(self.session, asked))
        with upload_request(self.url, query, variables, operation_name, files) as request:
            return await self.io.run(executed(self.session, asked, request))

    async def execute_many(self, operations: Iterable[Asked], *, at_once: int = 8) -> list[Reply]:
        """Send several operations, each in a request of its own, some at once; answers in the same order."""
        gate = asyncio.Semaphore(max(1, at_once))

        async def one(asked: Operation) -> Reply:
            async with gate:
                return await self.io.run(executed(self.session, asked))

        tasks = [asyncio.ensure_future(one(as_operation(each))) for each in operations]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def paginate(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        path: str | None = None,
        cursor: str = "after",
        offset: str | None = None,
        operation_name: str | None = None,
    ) -> AsyncIterator[Any]:
        """The items of all pages; the next page is fetched when it is looked at. See `Pages`."""
        pages = Pages(variables, path=path, cursor=cursor, offset=offset)
        while not pages.is_over:
            for item in pages.take(await self(query, pages.variables, operation_name=operation_name)):
                yield item

    def subscribe(
        self, query: str, variables: Mapping[str, Any] | None = None, *, operation_name: str | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The data of a subscription as it comes; close the iterator (`contextlib.aclosing`) to end it."""
        from gatepass.client.subscribing_tasks import subscribe  # noqa: PLC0415 - few need it
        from gatepass.client.subscription_protocol import Subscription  # noqa: PLC0415

        return subscribe(self.io, Subscription(self.url, query, variables, operation_name))

    async def token(self, min_ttl: timedelta | None = None) -> str:
        """A valid access token, renewed if it ends soon, or sooner than after `min_ttl`."""
        return (await self.io.held(Need(min_ttl_seconds=min_ttl.total_seconds() if min_ttl else 0.0))).access

    async def header(self) -> str:
        """The value of the header `Authorization`."""
        return f"Bearer {await self.token()}"

    async def sign_in(self, username: str, password: str) -> None:
        """Sign in now and keep the sign-in, not the password, under the profile."""
        self._keep_from_now_on()
        await self.io.run(signed_in(self.session, username, password))

    async def sign_in_on_device(self, show: Callable[[DeviceCode], object], *, scope: str | None = None) -> None:
        """Sign in through a browser elsewhere (RFC 8628): `show` gets the code to type in there; then wait."""
        self._keep_from_now_on()
        await self.io.run(signed_in_on_device(self.session, show, scope))

    async def sign_out(self, *, everywhere: bool = False) -> bool:
        """End the sign-in at the server, if it has `signOut`, and forget it here; whether it has ended there."""
        return await self.io.run(signed_out(self.session, everywhere=everywhere))

    async def close(self) -> None:
        """Close the connections."""
        await self.io.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _keep_from_now_on(self) -> None:
        self.session.source = source_to_sign_in(self.session.source, self._asked_profile, self._store)
