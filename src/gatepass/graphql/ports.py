"""What the GraphQL endpoint needs from the use cases and from the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from graphql import GraphQLSchema

from gatepass.domain.access_token import Caller, IssuedTokens
from gatepass.domain.account import Account
from gatepass.domain.identifiers import SessionId
from gatepass.domain.occasion import Occasion
from gatepass.domain.secret import Secret
from gatepass.usecases.ports import ListedSession


class SignInDeed(Protocol):
    """`usecases.sign_in.SignIn`."""

    async def __call__(
        self,
        user_name: str,
        plain: Secret[str],
        occasion: Occasion,
        *,
        use_management_flow: bool,
        device_hint: str | None = None,
    ) -> IssuedTokens:
        """Check credentials and open a session."""
        ...


class SignInRefreshDeed(Protocol):
    """`usecases.sign_in_refresh.SignInRefresh`."""

    async def __call__(self, presented: Secret[str], occasion: Occasion, *, use_management_flow: bool) -> IssuedTokens:
        """Trade a refresh token for the next pair."""
        ...


class SignOutDeed(Protocol):
    """`usecases.sign_out.SignOut`."""

    async def __call__(self, caller: Caller, occasion: Occasion, *, everywhere: bool, but_here: bool = False) -> int:
        """End sessions; how many."""
        ...


class ShowAccountDeed(Protocol):
    """`usecases.show_account.ShowAccount`."""

    async def __call__(self, caller: Caller) -> Account:
        """Who is signed in."""
        ...


class ListSessionsDeed(Protocol):
    """`usecases.list_sessions.ListSessions`."""

    async def __call__(self, caller: Caller, first: int, after: SessionId | None) -> Sequence[ListedSession]:
        """Where they are signed in."""
        ...


class RevokeSessionDeed(Protocol):
    """`usecases.revoke_session.RevokeSession`."""

    async def __call__(self, caller: Caller, session: SessionId, occasion: Occasion) -> bool:
        """End one of their sessions."""
        ...


class ChangeOwnPasswordDeed(Protocol):
    """`usecases.change_own_password.ChangeOwnPassword`."""

    async def __call__(
        self, caller: Caller, current: Secret[str], new: Secret[str], occasion: Occasion, *, ends_others: bool
    ) -> int:
        """Set another password; how many sessions ended."""
        ...


class AuthenticateDeed(Protocol):
    """`usecases.meet_unknown_keys.MeetUnknownKeys`."""

    async def __call__(self, token: str) -> Caller:
        """The caller that a bearer token proves; raises `Unauthenticated`."""
        ...


@dataclass(frozen=True, slots=True)
class Deeds:
    """What people do through this endpoint."""

    sign_in: SignInDeed
    sign_in_refresh: SignInRefreshDeed
    sign_out: SignOutDeed
    authenticate: AuthenticateDeed
    show_account: ShowAccountDeed
    list_sessions: ListSessionsDeed
    revoke_session: RevokeSessionDeed
    change_own_password: ChangeOwnPasswordDeed


@dataclass(frozen=True, slots=True)
class MergedSchema:
    """The sign-in schema and the upstream's as one. `version` changes whenever the schema does; results hang on it."""

    schema: GraphQLSchema
    version: int


class SchemaReading(Protocol):
    """A `MergedSchema`, whoever made it."""

    @property
    def schema(self) -> GraphQLSchema:
        """Both schemas as one."""
        ...

    @property
    def version(self) -> int:
        """Changes with the schema."""
        ...


class SchemaSource(Protocol):
    """The gateway, as far as it knows the upstream's schema."""

    def current(self) -> SchemaReading | None:
        """The schema as it was last read. None: not read yet; the sign-in schema stands alone then."""
        ...
