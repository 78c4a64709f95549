"""Identifiers are ordered by time and never repeat. RFC 9562 §5.7."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.identifiers import uuid7

times = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - aware by timezones
randoms = st.binary(min_size=10, max_size=10)


@given(times, randoms)
def test_a_uuid7_has_its_version_and_variant(now: datetime, random: bytes) -> None:
    """Whatever the time and the random bytes."""
    value = uuid7(now, random)
    assert value.version == 7
    assert value.variant == uuid.RFC_4122


@given(times, times, randoms, randoms)
def test_uuid7_sorts_by_time(one: datetime, other: datetime, first: bytes, second: bytes) -> None:
    """A later millisecond gives a greater id, whatever the random bits."""
    if one + timedelta(milliseconds=1) <= other:
        assert uuid7(one, first) < uuid7(other, second)


@given(times, randoms, st.integers(0, 79))
def test_74_of_the_random_bits_count(now: datetime, random: bytes, bit: int) -> None:
    """Flipping a random bit gives another id, except for the six that version and variant take."""
    flipped = (int.from_bytes(random) ^ (1 << bit)).to_bytes(10)
    taken = {76, 77, 78, 79, 62, 63}
    assert (uuid7(now, random) == uuid7(now, flipped)) == (bit in taken)


def test_the_milliseconds_lead() -> None:
    """The example of RFC 9562, Appendix A.6."""
    now = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    random = (0xCC3 << 64 | 0x18C4DC0C0C07398F).to_bytes(10)
    assert uuid7(now, random) == uuid.UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


@pytest.mark.parametrize("length", [0, 9, 11])
def test_too_few_or_too_many_random_bytes_are_an_error(length: int) -> None:
    """A silent zero would repeat ids."""
    with pytest.raises(ValueError, match="10 random bytes"):
        uuid7(datetime.now(UTC), b"\0" * length)
