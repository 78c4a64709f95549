"""What an access token says, whatever signs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepass.domain.account import Scope
from gatepass.domain.identifiers import AccountId, SessionId
from gatepass.domain.secret import Secret
from gatepass.domain.value import value

MAX_ACCESS_TTL = timedelta(hours=1)
MAX_LEEWAY = timedelta(seconds=60)
FIRST_PARTY_CLIENT = "gatepass"
PASSWORD = "pwd"  # noqa: S105 - a word
"""A password was checked, in `amr` (RFC 8176 §2)."""


@value(frozen=True, slots=True)
class AccessClaims:
    """
    The claims of an access token. Times are aware UTC; a token says them in whole seconds.

    Source: RFC 9068 §2.2.
    """

    issuer: str
    audience: str
    subject: AccountId
    session: SessionId
    client_id: str
    scopes: tuple[Scope, ...]
    issued_at: datetime
    expires_at: datetime
    authenticated_at: datetime
    token_id: str
    methods: tuple[str, ...] = (PASSWORD,)


@dataclass(frozen=True, slots=True)
class Caller:
    """
    Who is calling, as proven by a verified access token. Embedders find it in `scope["gatepass"]`.

    `subject` is the account's id as text, `session_id` that of the sign-in. `issuer` is None for this server's own
    tokens; else it says who vouches for the caller: `subject` is `<issuer>|<subject there>` then, there is no session
    here, and `session_id` is empty.
    """

    subject: str
    scopes: frozenset[str]
    session_id: str
    client_id: str
    expires_at: datetime
    issuer: str | None = None


@value(frozen=True, slots=True)
class IssuedAccess:
    """A fresh access token, shown once. `expires_in` counts from `issued_at`; `scopes` is what it says."""

    access_token: Secret[str]
    issued_at: datetime
    expires_in: timedelta
    scopes: tuple[Scope, ...]


@value(frozen=True, slots=True)
class IssuedTokens:
    """
    A fresh pair, shown once. `expires_in` counts from `issued_at`; `scopes` is what the access token says.

    `device_hint` makes the hint by which the client will be known to the account; few ask for it.
    """

    access_token: Secret[str]
    refresh_token: Secret[str]
    issued_at: datetime
    expires_in: timedelta
    device_hint: Callable[[], Secret[str]]
    scopes: tuple[Scope, ...] = ()
