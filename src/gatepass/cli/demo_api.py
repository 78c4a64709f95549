"""Finds the demo API: in the repository's examples, or in the wheel."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

import gatepass
from gatepass.domain.errors import GatepassError
from gatepass.http.asgi import App

NAME: Final = "company_register"


class NoDemoApiError(GatepassError):
    """The demo API was not installed."""


def demo_api() -> App:
    """
    A fresh demo API.

    Raises:
        NoDemoApiError: it was packed without.
    """
    package = Path(gatepass.__file__).parent
    for folder in (package / "_examples" / NAME, package.parents[1] / "examples" / NAME):
        if (folder / "__init__.py").is_file():
            app: App = _import_from(folder).create_app()
            return app
    raise NoDemoApiError("this installation has no demo API: install it from a wheel, or run it in the repository")


def _import_from(folder: Path) -> ModuleType:
    """The package in this very folder; another of its name on the path does not count."""
    if NAME in sys.modules:
        return sys.modules[NAME]
    spec = importlib.util.spec_from_file_location(
        NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise NoDemoApiError(f"the demo API in {folder} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    return module
