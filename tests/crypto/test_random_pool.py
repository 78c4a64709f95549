"""Random bytes fetched in advance."""

from __future__ import annotations

import os

import pytest

from gatepass.crypto.random_pool import RandomPool


def test_no_byte_is_given_out_twice() -> None:
    """Across refills, and for counts that do not divide the pool."""
    random = RandomPool()
    taken = [random(12) for _ in range(2_000)]
    assert len(set(taken)) == 2_000
    assert {len(piece) for piece in taken} == {12}


def test_more_than_the_pool_holds_is_given_too() -> None:
    """In one piece."""
    assert len(RandomPool()(10_000)) == 10_000


def test_a_forked_child_does_not_repeat_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """It throws away what it inherited."""
    random = RandomPool()
    random(16)
    inherited = random._pool
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert random(16) not in inherited
