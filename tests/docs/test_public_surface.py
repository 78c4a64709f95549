"""What `gatepass` exports is what can be imported and what is documented."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from importlib import import_module
from typing import NewType

import pytest

import gatepass
import gatepass.client
from docs.reference.make import PUBLIC, WITHOUT_DOCSTRING
from tests.docs.pages import ROOT


def test_all_is_what_can_be_imported() -> None:
    """Each name, from the place that holds it, and `dir` shows the same."""
    assert len(set(gatepass.__all__)) == len(gatepass.__all__)
    assert all(hasattr(gatepass, name) for name in gatepass.__all__)
    assert dir(gatepass) == sorted(gatepass.__all__)


def test_a_star_import_brings_all() -> None:
    """And nothing else."""
    program = (
        "from gatepass import *; print(*sorted(name for name in dir() if name == '__version__' or name[0] != '_'))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.split() == sorted(gatepass.__all__)


def test_types_are_told_the_same_names() -> None:
    """The imports for type checkers and the ones that happen name the same homes."""
    source = inspect.getsource(gatepass)
    told = {
        name: home for home, name in re.findall(r"from (gatepass\.[\w.]+) import (\w+) as \2$", source, re.MULTILINE)
    }
    happening = dict(re.findall(r'"(\w+)": "(gatepass\.[\w.]+)"', source))
    assert told == happening
    assert {*told, "__version__"} == set(gatepass.__all__)
    for name, home in told.items():
        assert getattr(import_module(home), name) is getattr(gatepass, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As with any module, and for type checkers too: an ignored error that is none fails the check."""
    with pytest.raises(AttributeError, match="nonsense"):
        _ = gatepass.nonsense  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="nonsense"):
        _ = gatepass.client.nonsense  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", PUBLIC)
def test_every_name_is_documented(module: str) -> None:
    """On the page, in `__all__`, and nowhere else."""
    page = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    section = page.partition(f"## {module}\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \| \S", section, re.MULTILINE)) == set(import_module(module).__all__)


def test_every_name_has_words_of_its_own() -> None:
    """A docstring where Python has a place for one."""
    for name in gatepass.__all__:
        found = getattr(gatepass, name)
        if isinstance(found, str | NewType):
            assert name in WITHOUT_DOCSTRING
        else:
            assert inspect.cleandoc(found.__doc__ or ""), name
            assert name not in WITHOUT_DOCSTRING
