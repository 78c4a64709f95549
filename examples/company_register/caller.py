"""Who is asking, according to the gateway in front."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The account a request was made by."""

    subject: str
    scopes: frozenset[str]


def caller_of(headers: Mapping[str, str]) -> Caller | None:
    """
    Return the caller named by the identity headers, None without `X-Gatepass-Subject`.

    The headers are believed. That is safe only where nobody but the gateway can reach this API, and the gateway removes
    these headers from what it is sent: anyone else could write any name into them.

    Args:
        headers: case-insensitive.
    """
    subject = headers.get("x-gatepass-subject")
    return Caller(subject, frozenset(headers.get("x-gatepass-scope", "").split())) if subject else None
