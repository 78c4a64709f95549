"""The code that people type. RFC 8628 §6.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.errors import BadUserInput
from gatepass.domain.user_code import ALPHABET, LENGTH, RANDOM_BYTES, UserCode, digest, make, parse, shown

codes = st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH).map(UserCode)
noise = st.text(" -–—·.\t_", max_size=3)  # noqa: RUF001 - what people and phones put between


@given(st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES))
def test_every_code_is_made_of_the_letters_that_cannot_be_confused(random: bytes) -> None:
    code = make(random)
    assert len(code) == LENGTH
    assert set(code) <= set("BCDFGHJKLMNPQRSTVWXZ")
    assert parse(shown(code)) == code


def test_codes_use_all_of_the_randomness() -> None:
    made = {make(number.to_bytes(RANDOM_BYTES)) for number in range(0, 20**LENGTH, 20**LENGTH // 997)}
    assert len(made) == 998
    with pytest.raises(ValueError, match="16"):
        make(b"short")


@given(codes, st.booleans(), st.lists(noise, min_size=LENGTH + 1, max_size=LENGTH + 1))
def test_case_and_what_stands_between_do_not_matter(code: UserCode, lower: bool, between: list[str]) -> None:
    typed = "".join(gap + letter for gap, letter in zip(between, code.lower() if lower else code, strict=False))
    assert parse(typed + between[-1]) == code


@pytest.mark.parametrize(
    "typed", ["", "WDJB-MJH", "WDJB-MJHTX", "WDJB-MJHA", "WDJB-MJH0", "WDJBMJHÜ", "W" * 10_000, "🙂" * 8, "\x00"]
)
def test_what_cannot_be_a_code_is_said_at_once(typed: str) -> None:
    with pytest.raises(BadUserInput, match="WDJB-MJHT"):
        parse(typed)


def test_full_width_letters_of_an_input_method_are_letters() -> None:
    assert parse("ＷＤＪＢＭＪＨＴ") == "WDJBMJHT"  # noqa: RUF001 - that is the point


@given(codes, codes)
def test_digests_tell_codes_apart(one: UserCode, other: UserCode) -> None:
    assert (digest(one) == digest(other)) is (one == other)
    assert one.encode() not in digest(one)
