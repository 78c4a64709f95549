"""The one table of what an error is on HTTP, as a snapshot: a change of it is a change of the wire."""

from __future__ import annotations

import pytest

from gatepass.domain.errors import Code, Fault, GatepassError, InvalidCredentials, Overloaded, Unauthenticated
from gatepass.http.error_table import INTERNAL_MESSAGE, TABLE, headers_of, message_of, status_of
from gatepass.http.refusals import BadRequest, BodyTooLarge, MethodNotAllowed, UnsupportedMediaType

SNAPSHOT = """
INVALID_CREDENTIALS        200 294 data
INVALID_REFRESH_TOKEN      200 294 data
FLOW_UNAVAILABLE           200 294 data
UNAUTHENTICATED            401 401
FORBIDDEN                  403 403
RATE_LIMITED               200 429
OVERLOADED                 200 503
BAD_USER_INPUT             200 400
GRAPHQL_PARSE_FAILED       200 400
GRAPHQL_VALIDATION_FAILED  200 400
REQUEST_TOO_LARGE          413 413
UPSTREAM_UNAVAILABLE       502 502
INTERNAL                   500 500
"""


def test_the_table_is_as_agreed() -> None:
    """Code, status for application/json, status for application/graphql-response+json, whether `data: null`."""
    rows = [f"{code:<26} {row.json} {row.graphql_response}{' data' * row.executed}" for code, row in TABLE.items()]
    assert "\n".join(rows) == SNAPSHOT.strip()


def test_every_code_has_a_row() -> None:
    """And every refusal has a code of its own kind."""
    assert set(TABLE) == set(Code)


@pytest.mark.parametrize(
    ("error", "statuses"),
    [
        (InvalidCredentials(), (200, 294)),
        (BadRequest("x"), (400, 400)),
        (BodyTooLarge("x"), (413, 413)),
        (UnsupportedMediaType("x"), (415, 415)),
        (Fault("x"), (500, 500)),
    ],
)
def test_refusals_of_the_transport_have_one_status_for_both_types(
    error: GatepassError, statuses: tuple[int, int]
) -> None:
    """The others follow the media type."""
    assert (status_of(error, graphql_response=False), status_of(error, graphql_response=True)) == statuses


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (Unauthenticated(), [(b"www-authenticate", b'Bearer realm="gatepass"')]),
        (
            Unauthenticated('not "good" \u2026\r\n', presented=True),
            [
                (
                    b"www-authenticate",
                    b'Bearer realm="gatepass", error="invalid_token", error_description="not \'good\' \'\'\'"',
                )
            ],
        ),
        (MethodNotAllowed("x", allow="GET, POST"), [(b"allow", b"GET, POST")]),
        (Overloaded(retry_after_seconds=3), [(b"retry-after", b"3")]),
        (InvalidCredentials(), []),
    ],
)
def test_errors_bring_their_headers(error: GatepassError, headers: list[tuple[bytes, bytes]]) -> None:
    """RFC 6750 §3, RFC 9110 §10.2.3 and §15.5.6. A message cannot break out of its quotes."""
    assert headers_of(error) == headers


def test_a_fault_says_nothing_of_itself() -> None:
    """The caller reads "internal error" and a request id."""
    assert message_of(Fault("the disk at /secret is full")) == INTERNAL_MESSAGE
