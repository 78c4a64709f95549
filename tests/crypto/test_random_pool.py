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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_a_forked_child_does_not_repeat_its_parent() -> None:
    """It throws away what it inherited."""
    random = RandomPool()
    random(16)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, random(16))
        os._exit(0)
    os.waitpid(child, 0)
    of_the_child = os.read(reading, 16)
    os.close(reading)
    os.close(writing)
    assert len(of_the_child) == 16
    assert of_the_child not in random._pool
