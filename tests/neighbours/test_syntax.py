"""Configurations of programs that no test runs: at least they can be read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import Block
from tests.docs.test_pages import name_of, of_kind
from tests.neighbours.conftest import needed


@pytest.mark.parametrize("block", of_kind("js"), ids=name_of)
def test_node_can_read_it(block: Block, tmp_path: Path) -> None:
    """As a module."""
    file = tmp_path / "block.mjs"
    file.write_text(block.text, "utf-8")
    subprocess.run([needed("node", "nodejs"), "--check", str(file)], check=True, capture_output=True, timeout=60)
