"""`gatepass calibrate`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from gatepass.settings import Settings
from tests.cli.conftest import Gatepass


def test_it_proposes_settings_that_can_be_used(
    gatepass: Gatepass, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As TOML on standard output, at least OWASP's minimum; what it means on standard error."""
    monkeypatch.setattr("gatepass.cli.calibration.STEPS_KIB", (19_456, 32_768))
    result = gatepass("calibrate", "--milliseconds", "5000")
    assert result.code == 0
    proposed = tomllib.loads(result.out)
    assert proposed == {"argon2_memory_kib": 32_768, "argon2_iterations": 2}
    Settings(data_dir=folder, **proposed)
    assert "sign-ins a second" in result.err
    told = json.loads(gatepass("calibrate", "--milliseconds", "5000", "--json").out)
    assert told["argon2_memory_kib"] == 32_768
    assert told["seconds"] > 0


def test_a_slow_machine_gets_the_minimum_and_is_told(
    gatepass: Gatepass, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never less than OWASP advises."""

    async def slow(memory_kib: int) -> float:
        return memory_kib / 1000

    monkeypatch.setattr("gatepass.cli.calibration._fastest", slow)
    result = gatepass("calibrate")
    assert tomllib.loads(result.out)["argon2_memory_kib"] == 19_456
    assert "nevertheless the least that OWASP advises" in result.err


@pytest.mark.parametrize(
    ("chosen", "told"), [("always [madvise] never", True), ("[always] madvise never", False), (None, False)]
)
def test_where_linux_gives_small_pages_it_names_the_line_that_changes_it(
    gatepass: Gatepass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str | None, told: bool
) -> None:
    """Other systems have no such file."""
    pages = tmp_path / "enabled"
    if chosen is not None:
        pages.write_text(f"{chosen}\n")
    monkeypatch.setattr("gatepass.cli.calibration.LARGE_PAGES", pages)
    monkeypatch.setattr("gatepass.cli.calibration.STEPS_KIB", (19_456,))
    result = gatepass("calibrate")
    assert result.code == 0
    assert (f"echo always | sudo tee {pages}\n" in result.err) == told
    assert tomllib.loads(result.out)["argon2_memory_kib"] == 19_456
