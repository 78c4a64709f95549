"""Codes and their digests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.one_time_code import AUTHORIZATION_CODE_PREFIX, CODE_RANDOM_BYTES, digest, make


@given(st.binary(min_size=CODE_RANDOM_BYTES, max_size=CODE_RANDOM_BYTES))
def test_a_code_says_what_it_is_and_needs_no_escape_in_an_address(random: bytes) -> None:
    code = make(AUTHORIZATION_CODE_PREFIX, random)
    assert code.reveal().startswith("gpc_")
    assert code.reveal().replace("-", "").replace("_", "").isalnum()
    assert len(code.reveal()) == 47
    assert code.reveal() not in repr(code)


def test_a_code_needs_all_of_its_randomness() -> None:
    with pytest.raises(ValueError, match="32"):
        make(AUTHORIZATION_CODE_PREFIX, b"short")


@given(st.text(max_size=300))
def test_anything_presented_has_a_digest(text: str) -> None:
    """Surrogates and great lengths come in from outside too."""
    assert len(digest(text)) == 32


def test_a_surrogate_is_no_reason_to_fail() -> None:
    assert digest("\ud800") != digest("?")
