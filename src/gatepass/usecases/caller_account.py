"""Whose account a bearer token speaks for."""

from __future__ import annotations

from uuid import UUID

from gatepass.domain.access_token import FIRST_PARTY_CLIENT, Caller
from gatepass.domain.errors import Forbidden
from gatepass.domain.identifiers import AccountId, SessionId


def own_account(caller: Caller) -> AccountId:
    """
    The account that may see to its own sign-ins with this token.

    Raises:
        Forbidden: the token was given to a client, which was let in to the API and not to the account; or it belongs
            to no account of ours.
    """
    if caller.client_id != FIRST_PARTY_CLIENT:
        raise Forbidden("This access token was given to a client. Sign in with signIn to see to your account.")
    return AccountId(_identifier(caller.subject))


def account_in(caller: Caller) -> AccountId | None:
    """Whose the token is, whatever it may do; None where that is no account of ours."""
    try:
        return AccountId(UUID(caller.subject))
    except ValueError:
        return None


def own_session(caller: Caller) -> SessionId:
    """
    The sign-in that the token belongs to.

    Raises:
        Forbidden: none of ours.
    """
    return SessionId(_identifier(caller.session_id))


def _identifier(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Forbidden("This access token belongs to no sign-in of this server.") from None
