"""gatepass(1) is made from the commands, and roff takes it without a word."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gatepass.cli.manpage import man_page
from tests.cli.test_command import ALL

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "gatepass.1"


def test_every_command_and_exit_code_is_on_it() -> None:
    """With its options; what is not told twice is where the help is."""
    text = man_page().replace("\\-", "-")
    for path in ALL:
        assert f".SS gatepass {' '.join(path)} " in text
    assert "\\fB-o, --output [json|table|csv]\\fR" in text
    assert re.findall(r"^\\fB(\d+)\\fR$", text, re.MULTILINE) == ["0", "1", "2", "4", "5", "130"]
    assert "--help" not in text
    assert ".nf\nbash, in ~/.bashrc: " in text


def test_no_line_is_a_request_by_accident() -> None:
    """Text that begins with a dot or a quote would be one."""
    known = {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".I", ".nf", ".fi", ".nh", ".ad"}
    lines = [line for line in man_page().splitlines() if line.startswith((".", "'"))]
    assert {line.split()[0] for line in lines} <= known


@pytest.mark.parametrize("program", ["groff", "mandoc"])
def test_the_formatter_has_no_complaint(program: str) -> None:
    """As far as it is on this machine."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"needs {program}: apt-get install {program}")
    command = [found, "-man", "-Tutf8", "-ww"] if program == "groff" else [found, "-Tlint", "-Werror"]
    ended = subprocess.run([*command, str(PAGE)], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
