"""Argon2 parameters: the live ones, and which stored ones may be executed. RFC 9106 §3.1."""

from __future__ import annotations

import pytest

from gatepass.crypto.argon2_parameters import Argon2Parameters, is_executable

TAIL = "$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43


def test_the_defaults_are_owasp_s() -> None:
    """19 MiB, two passes, one lane. OWASP Password Storage Cheat Sheet."""
    assert Argon2Parameters().made("$argon2id$v=19$m=19456,t=2,p=1" + TAIL)


@pytest.mark.parametrize(
    "head",
    [
        "$argon2id$v=19$m=19456,t=2,p=1",
        "$argon2id$v=19$m=65536,t=3,p=4",
        "$argon2id$v=19$m=102400,t=2,p=8",
        "$argon2i$v=19$m=16,t=3,p=1",
        "$argon2id$v=19$m=1048576,t=4,p=1",
    ],
)
def test_hashes_that_others_made_may_be_executed(head: str) -> None:
    """argon2-cffi, Django, PHP and libsodium write these."""
    assert is_executable(head + TAIL)


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("$argon2id$v=19$m=4194304,t=1,p=1", "4 GiB"),
        ("$argon2id$v=19$m=1048577,t=1,p=1", "a KiB more than the bound"),
        ("$argon2id$v=19$m=1048576,t=5,p=1", "passes over so much memory"),
        ("$argon2id$v=19$m=8,t=4294967295,p=1", "passes without end"),
        ("$argon2id$v=19$m=65536,t=3,p=17", "lanes"),
        ("$argon2id$v=19$m=65536,t=3,p=0", "no lane"),
        ("$argon2id$v=19$m=31,t=3,p=4", "less than 8 KiB for each lane"),
        ("$argon2id$v=19$m=99999999999999999999,t=1,p=1", "a number beyond any"),
        ("$argon2id$v=19$m=065536,t=3,p=4", "a leading zero"),
        ("$argon2id$v=19$m=-1,t=3,p=4", "a negative number"),
        ("$argon2id$v=16$m=65536,t=3,p=4", "the version of 2015"),
        ("$argon2id$m=65536,t=3,p=4", "no version"),
        ("$argon2d$v=19$m=65536,t=3,p=4", "Argon2d, which leaks by its memory accesses"),
        ("$argon2id$v=19$m=65536,t=3,p=4,keyid=AAAA", "a keyed hash"),
        ("$2b$12", "bcrypt"),
        ("", "nothing"),
    ],
)
def test_a_hash_of_another_kind_or_beyond_the_bounds_may_not(head: str, why: str) -> None:
    """A row in the store must not take the machine down."""
    assert not is_executable(head + TAIL), why


@pytest.mark.parametrize(
    "tail", ["", "$", "$c2FsdHNhbHRzYWx0c2FsdA$", "$$" + "A" * 43, TAIL + "\n", TAIL + "$A", TAIL + "="]
)
def test_a_hash_that_was_cut_or_added_to_may_not(tail: str) -> None:
    """Only the whole form counts."""
    assert not is_executable("$argon2id$v=19$m=19456,t=2,p=1" + tail)


@pytest.mark.parametrize(("memory_kib", "passes"), [(7, 1), (8, 0), (-1, -1), (2**20 + 1, 1), (2**20, 5)])
def test_parameters_beyond_the_bounds_cannot_be_set(memory_kib: int, passes: int) -> None:
    """What this server hashes it can also verify."""
    with pytest.raises(ValueError, match="Argon2 memory must be"):
        Argon2Parameters(memory_kib, passes)


def test_only_the_very_parameters_count_as_made() -> None:
    """Anything else is re-hashed at the next sign-in, stronger ones too: the operator said what holds."""
    live = Argon2Parameters(memory_kib=19_456, passes=2)
    for other in ("m=19456,t=2,p=2", "m=19456,t=3,p=1", "m=65536,t=2,p=1", "m=194560,t=2,p=1", "m=1945,t=2,p=1"):
        assert not live.made(f"$argon2id$v=19${other}{TAIL}")
    assert not live.made("$argon2i$v=19$m=19456,t=2,p=1" + TAIL)
