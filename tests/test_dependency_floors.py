"""No pinned version is older than the one that mended what an attacker could use, nor admitted below it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = {
    # Validating hostile documents took seconds in older ones (measured: 9.7 s for 6 kB in 3.2.7).
    "graphql-core": (3, 2, 12),
    # CVE-2025-53643: its parser could be made to read requests that others read differently.
    "aiohttp": (3, 13),
    # CVE-2025-65015: hostile tokens ended up whole in errors and logs.
    "joserfc": (1, 8),
    # CVE-2025-62727: quadratic time on Range headers.
    "starlette": (1, 0),
    # CVE-2025-43859: chunked bodies that two parsers read differently.
    "h11": (0, 16),
    # The oldest that were looked at here; they hash, seal and read the heads of requests.
    "cryptography": (46,),
    "pynacl": (1, 6),
    "httptools": (0, 7),
}


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-graphql-core-3.2.txt"])
def test_no_pin_is_below_its_floor(name: str) -> None:
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    below = {
        package: pins[package] for package in FLOORS if package in pins and version(pins[package]) < FLOORS[package]
    }
    assert below == {}
    assert "graphql-core" in pins


def test_what_users_may_install_is_not_below_either() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]
    for requirement in asked:
        found = re.match(r"([A-Za-z0-9-]+)(?:\[.*\])?>=([\d.]+)", requirement)
        assert found is not None, requirement
        assert version(found[2]) >= FLOORS.get(found[1], ()), requirement
