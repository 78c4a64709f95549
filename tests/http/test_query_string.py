"""The query string of a GET request."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.http.query_string import MAX_QUERY_STRING_BYTES, parameters, refuse_secrets
from gatepass.http.refusals import BadRequest, UriTooLong


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
        max_size=5,
    )
)
def test_what_a_browser_encodes_is_decoded_again(sent: dict[str, str]) -> None:
    """application/x-www-form-urlencoded, WHATWG URL standard §5."""
    assert parameters(urlencode(sent).encode()) == sent


@pytest.mark.parametrize(
    ("query_string", "found"),
    [
        (b"", {}),
        (b"&&", {}),
        (b"a", {"a": ""}),
        (b"a=", {"a": ""}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a=+%2B%20", {"a": " + "}),
        (b"a=%zz%", {"a": "%zz%"}),
        (b"a;b=c", {"a;b": "c"}),
    ],
)
def test_odd_spellings(query_string: bytes, found: dict[str, str]) -> None:
    """As the standard has them; `;` separates nothing."""
    assert parameters(query_string) == found


@pytest.mark.parametrize("query_string", [b"a=1&a=2", b"a&a", b"a=1&%61=2"])
def test_a_repeated_parameter_is_refused(query_string: bytes) -> None:
    """Which one counts is where attacks live."""
    with pytest.raises(BadRequest, match="more than once"):
        parameters(query_string)


@pytest.mark.parametrize("query_string", [b"a=%ff", b"a=\xff", b"%c3=1", b"a=%ed%a0%80"])
def test_what_is_not_utf_8_is_refused(query_string: bytes) -> None:
    """Rather than replaced: what was checked is what is forwarded."""
    with pytest.raises(BadRequest, match="UTF-8"):
        parameters(query_string)


@pytest.mark.parametrize("query_string", [b"access_token=x", b"a=1&ACCESS_TOKEN=x", b"access%5ftoken", b"+Bearer+=x"])
def test_tokens_in_the_address_are_refused(query_string: bytes) -> None:
    """RFC 6750 §5.3."""
    with pytest.raises(BadRequest, match="in the address"):
        refuse_secrets(query_string)
    with pytest.raises(BadRequest, match="in the address"):
        parameters(query_string)


def test_too_long_is_414() -> None:
    """Length and number are bounded."""
    parameters(b"a=" + b"x" * (MAX_QUERY_STRING_BYTES - 2))
    with pytest.raises(UriTooLong):
        parameters(b"a=" + b"x" * (MAX_QUERY_STRING_BYTES - 1))
    with pytest.raises(UriTooLong):
        parameters(b"&" * 64)
