"""How soon a place is filled again; the processes themselves are tested in `tests/e2e/test_workers.py`."""

from __future__ import annotations

from gatepass.server.supervisor import _pause_seconds


def test_starts_that_fail_are_tried_again_more_and_more_slowly_but_soon_enough() -> None:
    """Whoever has no database is not asked all the time, and has its processes seconds after it is back."""
    pauses = [_pause_seconds(failures) for failures in range(100)]
    assert pauses[:4] == [0.0, 0.1, 0.2, 0.4]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 5.0
