"""axe-core, which comes with the GraphiQL page's development packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "web" / "ide" / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with a page as it is now."""
    if not AXE.exists():
        pytest.skip("needs axe-core: `npm ci --ignore-scripts` in web/ide")
    page.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate("axe.run().then(result => result.violations)")
    return [f"{each['id']}: {[node['html'][:160] for node in each['nodes']]}" for each in found]
