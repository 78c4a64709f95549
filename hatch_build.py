"""
Builds the GraphiQL page into the wheel. Called by hatchling, as pyproject.toml says.

`GATEPASS_IDE_BUILD` says how much it matters: `require` (releases) fails without the page, `skip` takes what is there,
and by default a build that fails is a warning: the wheel then serves the plain page, and has the sources for
`gatepass ide build`.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "src/gatepass/web"
VARIABLE = "GATEPASS_IDE_BUILD"


class IdeBuildHook(BuildHookInterface[Any]):
    """Hatchling's `custom` hook."""

    def dependencies(self) -> list[str]:
        """PyPI's Node, only where the page has to be built and the system has no Node."""
        building = self._building()
        needed = self.target_name == "wheel" and self._wish() != "skip" and not building.is_built()
        return [building.NODE_WHEEL] if needed and building.wants_node_wheel() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and name what goes into the wheel. An editable install gets it too, as it serves from the checkout."""
        if self.target_name != "wheel":
            return
        building = self._building()
        if self._wish() != "skip" and not building.is_built():
            self._build(building)
        if version == "editable":
            return
        if building.is_built():
            build_data["artifacts"].append(f"/{PACKAGE}/built/")
        for path in building.source_files():
            inside = path.relative_to(building.sources())
            build_data["force_include"][str(path)] = f"gatepass/web/sources/{inside.as_posix()}"

    def _build(self, building: ModuleType) -> None:
        try:
            building.build(say=lambda line: self.app.display_info(f"GraphiQL page: {line}"))
        except (building.CannotBuildError, OSError) as error:
            if self._wish() == "require":
                raise
            self.app.display_warning(f"The wheel is made without the GraphiQL page: {error}")

    def _building(self) -> ModuleType:
        """Our own module, by its path: importing it as a part of gatepass would need all that gatepass needs."""
        path = Path(self.root) / PACKAGE / "building.py"
        spec = importlib.util.spec_from_file_location("gatepass_ide_building", path)
        if spec is None or spec.loader is None:
            raise FileNotFoundError(path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        return module

    @staticmethod
    def _wish() -> str:
        wish = os.environ.get(VARIABLE, "try")
        if wish not in ("try", "require", "skip"):
            raise ValueError(f"{VARIABLE} is {wish!r}; it may be try, require or skip")
        return wish
