"""What an API has to install to verify: `pip install gatepass[verify]`, and not the server."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

PYPROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
PROGRAM = """
import builtins, sys
standard = sys.stdlib_module_names
real = builtins.__import__
def watched(name, *rest):
    top = name.partition(".")[0]
    if rest[-1] == 0 and top not in standard and top not in ("gatepass", "cryptography", "cffi", "_cffi_backend"):
        raise ImportError(f"{name} is not installed with gatepass[verify]")
    return real(name, *rest)
builtins.__import__ = watched
import gatepass.verify
gatepass.verify.Verifier(audience="a", jwks="http://g/jwks.json")
"""


def test_it_runs_with_what_the_extra_installs() -> None:
    """The base install is there too, and not needed."""
    assert [name.partition(">")[0] for name in PYPROJECT["project"]["optional-dependencies"]["verify"]] == [
        "cryptography"
    ]
    subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM], check=True, timeout=60)
