"""The query string of a GET request, and what must never stand in one."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_to_bytes

from gatepass.http.refusals import BadRequest, UriTooLong

MAX_QUERY_STRING_BYTES: Final = 16_384
MAX_SEEN_BYTES: Final = 65_536
"""Of what is looked at, on any path: not every server in front bounds it, and a megabyte takes 200 ms."""
MAX_PARAMETERS: Final = 64
_SECRET_NAMES: Final = frozenset(
    {
        b"access_token",
        b"accesstoken",
        b"authorisation",
        b"authorization",
        b"bearer",
        b"client_secret",
        b"currentpassword",
        b"devicehint",
        b"newpassword",
        b"password",
        b"refresh_token",
        b"refreshtoken",
        b"token",
    }
)


def parameters(query_string: bytes) -> dict[str, str]:
    """
    The parameters by name, decoded as application/x-www-form-urlencoded.

    Raises:
        UriTooLong: above 16 KiB or 64 parameters.
        BadRequest: a parameter twice, not UTF-8, or one that carries a token.

    Source: WHATWG URL Standard §5.1, but strict where it is lenient.
    """
    if len(query_string) > MAX_QUERY_STRING_BYTES or query_string.count(b"&") >= MAX_PARAMETERS:
        raise UriTooLong(
            f"The query string is longer than {MAX_QUERY_STRING_BYTES} bytes or {MAX_PARAMETERS} parameters: use POST."
        )
    refuse_secrets(query_string)
    found: dict[str, str] = {}
    for pair in query_string.split(b"&"):
        if not pair:
            continue
        raw_name, _, raw_value = pair.partition(b"=")
        name, value = _decoded(raw_name), _decoded(raw_value)
        if name in found:
            raise BadRequest("A parameter of the query string is there more than once: send it once.")
        found[name] = value
    return found


def refuse_endless(query_string: bytes) -> None:
    """
    Refuse what would take long to look through.

    Raises:
        UriTooLong: above 64 KiB.
    """
    if len(query_string) > MAX_SEEN_BYTES:
        raise UriTooLong(f"The query string is longer than {MAX_SEEN_BYTES} bytes.")


def refuse_secrets(query_string: bytes) -> None:
    """
    Refuse tokens and passwords in the address: it ends up in histories, logs and Referer headers.

    Raises:
        BadRequest: there is a parameter like `access_token`.

    Source: RFC 6750 §2.3 and §5.3, RFC 9700 §4.3.2.
    """
    for pair in query_string.split(b"&"):
        name = unquote_to_bytes(pair.partition(b"=")[0].replace(b"+", b" "))
        if name.strip().lower() in _SECRET_NAMES:
            raise BadRequest(
                "Never send a token or a password in the address: it stays in histories and logs. "
                "Send the token in the header 'Authorization: Bearer <accessToken>'."
            )


def _decoded(raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest("The query string is not UTF-8 once it is percent-decoded.") from None
