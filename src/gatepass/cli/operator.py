"""Who runs this command, for the audit log."""

from __future__ import annotations

import os
import sys
from typing import Final

from gatepass.domain.occasion import Door, Occasion

_LONGEST_NAME: Final = 64


def operators_occasion() -> Occasion:
    """The command line, and who sits at it."""
    return Occasion(Door.COMMAND_LINE, operator=operator())


def operator() -> str:
    """
    The name of the user that this process runs as, as the machine knows it; not what the environment says.

    Behind sudo that is root, so who called it is named too: `root (sudo by ana)`. That part is only as true as the
    environment.
    """
    name = _name_of_this_user()
    caller = os.environ.get("SUDO_USER", "")
    readable = "".join(character for character in caller if character.isprintable())[:_LONGEST_NAME]
    return f"{name} (sudo by {readable})" if readable else name


def _name_of_this_user() -> str:
    if sys.platform == "win32":
        return os.environ.get("USERNAME", "unknown")[:_LONGEST_NAME]
    import pwd  # noqa: PLC0415 - not on Windows

    try:
        return pwd.getpwuid(os.getuid()).pw_name[:_LONGEST_NAME]
    except KeyError:  # as in many containers
        return f"uid {os.getuid()}"
