"""
Coverage-guided fuzzing of the parsers at the door: `.ci/fuzz` runs it.

Needs atheris, which is no dependency of anything else: `.ci/fuzz` installs it. Whatever raises anything but a refusal
is a finding; libFuzzer keeps the input in a file `crash-…`.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["gatepass"]):
    from gatepass.domain import device_hint, refresh_token
    from gatepass.domain.errors import InvalidRefreshToken, Refused
    from gatepass.graphql.classification import classify
    from gatepass.graphql.document import read_document
    from gatepass.graphql.envelope import from_json
    from gatepass.graphql.limits import DocumentLimits
    from gatepass.graphql.literals import lift
    from gatepass.graphql.refusal import OperationRefused
    from gatepass.http.bearer import bearer_token
    from gatepass.http.client_address import ClientAddress
    from gatepass.http.messages import Request
    from gatepass.http.query_string import parameters
    from gatepass.oauth.form import decoded

LIMITS = DocumentLimits(max_document_characters=4096)
ADDRESS = ClientAddress(["10.0.0.0/8"])


def request(*headers: tuple[bytes, bytes]) -> Request:
    """One with these headers."""
    scope = {"type": "http", "method": "POST", "path": "/", "client": ("10.0.0.1", 1), "headers": list(headers)}
    return Request(scope, None, request_id="1", client="")  # type: ignore[arg-type]


def bearer(data: bytes) -> None:
    bearer_token(request((b"authorization", data)))


def tokens(data: bytes) -> None:
    text = data.decode("latin-1")
    device_hint.parse(text)
    refresh_token.parse(text)


def document(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    lift(text)
    classify(read_document(text, LIMITS), None, LIMITS)


def envelope(data: bytes) -> None:
    from_json(data)


def query_string(data: bytes) -> None:
    parameters(data)


def form(data: bytes) -> None:
    decoded(data)


def forwarded(data: bytes) -> None:
    ADDRESS(request((b"forwarded", data)).scope)
    ADDRESS(request((b"x-forwarded-for", data)).scope)


DOORS = (bearer, tokens, document, envelope, query_string, form, forwarded)


def one(data: bytes) -> None:
    """The first byte says which door."""
    if not data:
        return
    try:
        DOORS[data[0] % len(DOORS)](data[1:])
    except (Refused, OperationRefused, InvalidRefreshToken):
        return


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
