"""The bearer header in its right and its many wrong forms."""

from __future__ import annotations

import pytest

from gatepass.domain.errors import Unauthenticated
from gatepass.http.asgi import Headers, Message
from gatepass.http.bearer import MAX_TOKEN_BYTES, bearer_token
from gatepass.http.messages import Request
from gatepass.http.refusals import BadRequest


def presenting(*headers: tuple[bytes, bytes]) -> str | None:
    """What is read from these headers."""

    async def receive() -> Message:
        raise AssertionError("read")

    scope = {"type": "http", "method": "POST", "path": "/", "headers": list[tuple[bytes, bytes]](headers)}
    return bearer_token(Request(scope, receive, request_id="id", client="192.0.2.1"))


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer a.b-c_d~e+f/g==")],
        [(b"authorization", b"bearer   a.b-c_d~e+f/g==")],
        [(b"authorization", b" BEARER a.b-c_d~e+f/g== ")],
        [(b"authorisation", b"Bearer a.b-c_d~e+f/g==")],
        [(b"authorization", b"Bearer a.b-c_d~e+f/g=="), (b"authorisation", b"Bearer a.b-c_d~e+f/g==")],
    ],
)
def test_both_spellings_of_the_header_are_taken(headers: Headers) -> None:
    """RFC 6750 §2.1, in any case; the protocol's document writes "Authorisation"."""
    assert presenting(*headers) == "a.b-c_d~e+f/g=="


def test_no_header_is_no_token() -> None:
    """Which is for the caller to judge."""
    assert presenting((b"cookie", b"access_token=a")) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"", "is empty"),
        (b"Bearer", "is missing"),
        (b"Bearer ", "is missing"),
        (b"Bearer: abc", "no ':' or '='"),
        (b"Bearer=abc", "no ':' or '='"),
        (b"Bearer Bearer abc", "there twice"),
        (b'Bearer "abc"', "quotes"),
        (b"'Bearer abc'", "quotes"),
        (b"Bearer <accessToken>", "placeholder"),
        (b"Bearer {token}", "placeholder"),
        (b"Bearer $TOKEN", "placeholder"),
        (b"eyJhbGciOi.eyJzdWIi.sig", "'Bearer' before the token is missing"),
        (b"gpr_abc", "'Bearer' before the token is missing"),
        (b"Bearer abc def", "characters that no token has"),
        (b"Bearer a\xffc", "characters that no token has"),
        (b"Bearer a,Bearer b", "characters that no token has"),
        (b"Basic YTpi", "Only the scheme 'Bearer'"),
        (b"Token abc", "Only the scheme 'Bearer'"),
        (b"Bearer " + b"a" * MAX_TOKEN_BYTES, "too long"),
    ],
)
def test_a_wrong_form_is_told_how_to_mend_it(value: bytes, words: str) -> None:
    """What is wrong and the right form, never the value itself. DESIGN §3."""
    with pytest.raises(Unauthenticated) as caught:
        presenting((b"authorization", value))
    assert words in caught.value.message
    assert "Authorization: Bearer <accessToken>" in caught.value.message
    assert caught.value.presented
    assert "abc" not in caught.value.message


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer a")],
        [(b"authorisation", b"Bearer a"), (b"authorisation", b"Bearer b")],
        [(b"authorization", b"Bearer a"), (b"authorisation", b"Bearer b")],
        [(b"authorization", b""), (b"authorisation", b"Bearer b")],
    ],
)
def test_two_that_could_both_count_are_refused(headers: Headers) -> None:
    """Two parsers would choose differently."""
    with pytest.raises(BadRequest):
        presenting(*headers)
