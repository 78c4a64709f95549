"""A setting that cannot be used."""

from __future__ import annotations

from gatepass.domain.errors import GatepassError


class SettingsError(GatepassError):
    """
    A setting is unknown, contradictory or has a bad value. The message names the source and how to mend it.

    It never holds the value of a secret. `origin` is the source alone, as in `Settings.origins`.
    """

    def __init__(self, origin: str, problem: str) -> None:
        super().__init__(f"{origin}: {problem}")
        self.origin = origin
        self.problem = problem
