"""PostgreSQL's errors as the one fault that the ports know."""

from __future__ import annotations

import ssl
from typing import Final

import asyncpg

from gatepass.domain.errors import StoreUnavailable

_BY_STATE: Final = {
    "08": "The connection to the database was lost. Whether the last change was made is not known.",
    "25006": "The database is read-only. Connect to the primary: target_session_attrs=read-write finds it.",
    "26000": "A pooler hands out other connections for each transaction: add pgbouncer=true to database_url.",
    "28": "The database refuses the user, the password or the certificate of database_url.",
    "3D": "The database that database_url names does not exist. Make it with: CREATE DATABASE",
    "3F": "There is no schema to work in. Make one for the role: CREATE SCHEMA AUTHORIZATION the_role",
    "40": "The database gave the change up because of others at the same time. Try again.",
    "42501": "The role may not do that. It must own its schema: CREATE SCHEMA AUTHORIZATION the_role",
    "42P01": "A table is missing. Run 'gatepass db upgrade'.",
    "42P05": "A pooler hands out other connections for each transaction: add pgbouncer=true to database_url.",
    "42704": "The database knows no such setting: check the parameters of database_url.",
    "53100": "The database's disk is full. Free some space; the store goes on by itself.",
    "53300": "The database has no connection left. Raise its max_connections, or put PgBouncer in front.",
    "53": "The database has too few resources.",
    "57014": "The database took too long.",
    "57P": "The database is starting or stopping.",
    "58": "The database's disk failed.",
    "XX": "The database is damaged, or failed inside.",
}
_BY_KIND: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (
        asyncpg.ClientConfigurationError,
        (
            "database_url cannot be used, or a PG… variable or file beside it: check its hosts and ports, sslmode, and "
            "the files of sslrootcert, sslcert and sslkey."
        ),
    ),
    (TimeoutError, "The database did not answer in time."),
    (
        FileNotFoundError,
        "What database_url names is not there: check its socket, sslrootcert, sslcert and sslkey.",
    ),
    (OSError, "The database cannot be reached. Check that it runs, and the host and port of database_url."),
)
HUNG_UP: Final = (
    "The database hung up before a connection was made. Check that it runs, and with TLS, that it trusts the "
    "authority of the certificate in sslcert."
)
_LENGTHS: Final = (5, 3, 2)
_CONNECTION_STATES: Final = ("08", "57P")
_OWN_STATES: Final = ("22", "23")
_COLLISION_STATES: Final = ("40001", "40P01")


def store_unavailable(error: BaseException) -> StoreUnavailable:
    """
    The fault for an error of the database or of the way to it, with `error` as its cause.

    The message comes from the kind of error, never from its text, which may quote values or the URL.
    """
    fault = StoreUnavailable(_message(error))
    fault.__cause__ = error
    return fault


def is_lost_connection(error: BaseException) -> bool:
    """Whether the connection is of no use any more; what was asked last may or may not have been done."""
    state = _state(error)
    if state:
        return state.startswith(_CONNECTION_STATES)
    return isinstance(error, OSError | TimeoutError | asyncpg.InterfaceError) and not is_its_own(error)


def may_be_asked_again(error: BaseException) -> bool:
    """Whether a question, which changes nothing, is worth asking on another connection."""
    return is_lost_connection(error) and not isinstance(error, TimeoutError)


def is_collision(error: BaseException) -> bool:
    """Whether the database undid a transaction for the sake of others; it may be run again."""
    return _state(error) in _COLLISION_STATES


def is_its_own(error: BaseException) -> bool:
    """Whether an error comes from the values of one operation, so that its neighbours may get through without it."""
    state = _state(error)
    if state:
        return state.startswith(_OWN_STATES)
    return isinstance(error, ValueError | TypeError | OverflowError | asyncpg.DataError)


def as_seen_by_caller(error: Exception) -> Exception:
    """Errors of the database and of the way to it become faults; whatever an operation itself raised stays."""
    if isinstance(error, StoreUnavailable):
        return error
    if hasattr(error, "sqlstate") or is_lost_connection(error) or is_its_own(error):
        return store_unavailable(error)
    return error


def _state(error: BaseException) -> str:
    return (getattr(error, "sqlstate", None) or "") if isinstance(error, asyncpg.PostgresError) else ""


def _message(error: BaseException) -> str:
    state = _state(error)
    for length in _LENGTHS:
        if state and state[:length] in _BY_STATE:
            return _BY_STATE[state[:length]]
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "verify_message", None) or error.reason or "no reason given"
        return (
            f"TLS to the database failed: {reason}. Check sslmode and sslrootcert in database_url, and sslcert and "
            "sslkey if it has them."
        )
    if isinstance(error, FileNotFoundError | PermissionError) and error.filename:
        return f"{error.filename} cannot be opened: {error.strerror}."
    if type(error) is ConnectionError:  # asyncpg's own, and none of the system's; its text alone tells them apart
        if "rejected SSL upgrade" not in str(error):
            return HUNG_UP
        return (
            "The database does not begin TLS, which sslmode in database_url asks for. Check that it has ssl = on, and "
            "that the port is the database's."
        )
    return next((text for kind, text in _BY_KIND if isinstance(error, kind)), "The database could not do it.")
