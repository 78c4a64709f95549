"""What a store says to a copy that wants it for itself alone."""

from __future__ import annotations

from gatepass.domain.errors import StoreUnavailable


class StoreInUse(StoreUnavailable):
    """Others are there; `by` says who, as far as the store can tell."""

    def __init__(self, by: str) -> None:
        super().__init__(f"The store is in use by {by}.")
        self.by = by
