"""`Client`: one call is one operation."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from gatepass.client.blocking import Blocking
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
from gatepass.client.uploads import Files, upload_request

if TYPE_CHECKING:
    import httpx2


class Client:
    """
    A GraphQL API with sign-in. Calling it sends an operation; the token is fetched and renewed as needed.

    Any number of threads may share one. A child after a fork may go on using it.

    Args:
        url: the GraphQL endpoint; None for `GATEPASS_URL`, else the profile's.
        username, password: sign in with these, when a token is needed; never kept.
        token: an access token, used as it is.
        profile: which stored sign-in; None for the one for the address.
        store: where sign-ins are kept; None for what `GATEPASS_STORE` says.
        management_flow: `useManagementflow` of the protocol; true unless the API's owner says otherwise.
        timeout: seconds for each of connecting, sending and waiting for bytes.
        transport: of httpx2, in place of the network.

    Credentials: these arguments, else `GATEPASS_TOKEN`, else `GATEPASS_USERNAME` with `GATEPASS_PASSWORD` or
    `GATEPASS_PASSWORD_FILE`, else the stored sign-in.

    Raises:
        BadAddress, BadCredentials, StoreError: something given cannot be used.
        SignInRequired: no address, and no stored sign-in that has one.
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
        transport: httpx2.BaseTransport | None = None,
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
        self.io = Blocking(self.session, timeout, transport)

    @property
    def url(self) -> str:
        """The GraphQL endpoint."""
        return self.session.source.url

    @property
    def profile(self) -> str | None:
        """The name that the sign-in is kept under; None for one that is not kept."""
        return self.session.source.profile if self.session.source.is_kept else None

    def __call__(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        operation_name: str | None = None,
        files: Files | None = None,
    ) -> dict[str, Any]:
        """
        Send a query or mutation and return its data.

        Args:
            files: place among the variables → file, for servers that take the multipart form.

        Raises:
            GraphQLErrors: the answer has errors; `.code`, `.errors`, `.data` and `.request_id` say more.
            SignInRequired: there is no way to get a token; `.command` says what to run.
            ServerUnreachable: no answer. It is not sent again: it may have run.
            ProtocolError: an answer that is not GraphQL.
        """
        return self.execute(query, variables, operation_name=operation_name, files=files).data_or_raise()

    def execute(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        operation_name: str | None = None,
        files: Files | None = None,
    ) -> Reply:
        """Send a query or mutation and return the whole answer; GraphQL errors are in it, the others raise as above."""
        asked = Operation(query, variables, operation_name)
        if not files:
            return self.io.run(executed(self.session, asked))
        with upload_request(self.url, query, variables, operation_name, files) as request:
            return self.io.run(executed(self.session, asked, request))

    def execute_many(self, operations: Iterable[Asked], *, at_once: int = 8) -> list[Reply]:
        """
        Send several operations, each in a request of its own, some at once; answers in the same order.

        Raises:
            ClientError: the first that `execute` would raise; what had not begun by then is not sent.
        """
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - few need it

        asked = [as_operation(each) for each in operations]
        pool = ThreadPoolExecutor(max_workers=max(1, min(at_once, len(asked))), thread_name_prefix="gatepass-query")
        try:
            return list(pool.map(lambda each: self.io.run(executed(self.session, each)), asked))
        finally:
            pool.shutdown(cancel_futures=True)

    def paginate(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        path: str | None = None,
        cursor: str = "after",
        offset: str | None = None,
        operation_name: str | None = None,
    ) -> Iterator[Any]:
        """
        The items of all pages; the next page is fetched when it is looked at.

        Args:
            path, cursor, offset: see `Pages`.
        """
        pages = Pages(variables, path=path, cursor=cursor, offset=offset)
        while not pages.is_over:
            yield from pages.take(self(query, pages.variables, operation_name=operation_name))

    def subscribe(
        self, query: str, variables: Mapping[str, Any] | None = None, *, operation_name: str | None = None
    ) -> Generator[dict[str, Any], None, None]:
        """
        The data of a subscription as it comes; close the iterator to end it.

        Over a WebSocket (`graphql-transport-ws`; extra `gatepass[subscriptions]`), else over an event stream.

        Raises, from the iterator: GraphQLErrors, ProtocolError as when called; ServerUnreachable also when the
            connection breaks in between: nothing is subscribed again, since events may have been missed.
        """
        from gatepass.client.subscribing import subscribe  # noqa: PLC0415 - few need it
        from gatepass.client.subscription_protocol import Subscription  # noqa: PLC0415

        return subscribe(self.io, Subscription(self.url, query, variables, operation_name))

    def token(self, min_ttl: timedelta | None = None) -> str:
        """
        A valid access token, renewed if it ends soon.

        Args:
            min_ttl: how much longer it is to live at least; at most as much as a fresh one has.

        Raises:
            SignInRequired, SignInRefused, ServerUnreachable: there is none to be had.
        """
        return self.io.held(Need(min_ttl_seconds=min_ttl.total_seconds() if min_ttl else 0.0)).access

    def header(self) -> str:
        """The value of the header `Authorization`."""
        return f"Bearer {self.token()}"

    def sign_in(self, username: str, password: str) -> None:
        """
        Sign in now and keep the sign-in, not the password, under the profile.

        Raises:
            SignInRefused: the user or the password is wrong.
        """
        self._keep_from_now_on()
        self.io.run(signed_in(self.session, username, password))

    def sign_in_on_device(self, show: Callable[[DeviceCode], object], *, scope: str | None = None) -> None:
        """
        Sign in through a browser elsewhere (RFC 8628): `show` gets the code to type in there; then wait.

        Raises:
            DeviceSignInFailed: the server has no such sign-in, it was refused, or nobody came in time.
        """
        self._keep_from_now_on()
        self.io.run(signed_in_on_device(self.session, show, scope))

    def sign_out(self, *, everywhere: bool = False) -> bool:
        """
        End the sign-in at the server, if it has `signOut`, and forget it here; whether it has ended there.

        Args:
            everywhere: end every sign-in of this account.
        """
        return self.io.run(signed_out(self.session, everywhere=everywhere))

    def close(self) -> None:
        """Close the connections."""
        self.io.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _keep_from_now_on(self) -> None:
        """A sign-in of its own takes the place of whatever credentials there were."""
        self.session.source = source_to_sign_in(self.session.source, self._asked_profile, self._store)
