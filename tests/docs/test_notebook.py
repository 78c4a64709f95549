"""The example notebook: its code runs on the demo, and shows what is kept in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT
from tests.docs.test_generated_pages import size_of
from tests.kit.processes import running

FOLDER = ROOT / "examples" / "notebook"
RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
import make
ran = make.run(json.loads(make.NOTEBOOK.read_text("utf-8")))
print(json.dumps([ran, [picture.hex() for picture in make.pictures(ran)]]))
"""


def kept() -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads((FOLDER / "companies.ipynb").read_text("utf-8"))
    return notebook


def texts(notebook: dict[str, Any]) -> list[Any]:
    """What the cells put out, without plots."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    return [each.get("text") or each["data"].get("text/plain") for each in outputs]


def test_its_code_runs_on_the_demo(tmp_path: Path) -> None:
    """From the top, with nothing kept on the machine; it says what the notebook says, and draws one plot."""
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install matplotlib")
    with running("demo", "--port", "0", environ={"TMPDIR": str(tmp_path)}) as demo:
        demo.says("Ctrl-C stops it")
        found = re.search(r"(http://\S+/graphql/)[\s\S]+reader@example\.org +(\S+)", demo.out)
        assert found is not None
        environ = {
            **os.environ,
            "GATEPASS_URL": found[1],
            "GATEPASS_USERNAME": "reader@example.org",
            "GATEPASS_PASSWORD": found[2],
            "GATEPASS_STORE": "none",
            "MPLCONFIGDIR": str(tmp_path / "matplotlib"),
        }
        command = [sys.executable, "-c", RUN, str(FOLDER)]
        ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    ran, (picture,) = json.loads(ended.stdout)
    assert texts(ran) == texts(kept())
    assert size_of(bytes.fromhex(picture)) == size_of((ROOT / "docs" / "img" / "companies.png").read_bytes())


def test_it_is_a_notebook_without_secrets() -> None:
    """Format 4 with the ids of its cells; neither a token nor a password is in its code or its output."""
    notebook = kept()
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    code = json.dumps([[cell["source"], texts({"cells": [cell]})] for cell in notebook["cells"]])
    assert not re.search(r"eyJ|gpr_|password=", code)
