"""The Chromium of this machine, without a way to anybody but who is asked for."""

from __future__ import annotations

import os
import shutil
from typing import Final

ADVICE: Final = "needs Chromium: `apt-get install chromium`, or CHROMIUM=/path/to/chromium"
# Root in a container has no sandbox; the rest keeps the browser from speaking to anybody.
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Its path, if there is one."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")
