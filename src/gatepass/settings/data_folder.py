"""The platform's place for an application's data."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path


def data_folder(environ: Mapping[str, str], *, platform: str = sys.platform) -> Path:
    """
    The `gatepass` folder there.

    Raises:
        RuntimeError: this user has no home folder.

    Source: XDG Base Directory Specification (a relative XDG_DATA_HOME does not count); Apple's File System
    Programming Guide; Windows Known Folders.
    """
    if platform == "win32":
        local = environ.get("LOCALAPPDATA", "")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "gatepass"
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "gatepass"
    shared = environ.get("XDG_DATA_HOME", "")
    return (Path(shared) if shared.startswith("/") else Path.home() / ".local" / "share") / "gatepass"
