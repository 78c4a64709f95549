"""Decodes large JSON in small steps, so that a thread that does it lets others run in between."""

from __future__ import annotations

from typing import Any, Final

import msgspec

_STEP_BYTES: Final = 32 * 1024
_MAX_LEVELS: Final = 16

_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def decode_gradually(text: bytes | msgspec.Raw, levels: int = _MAX_LEVELS) -> Any:
    """
    What `msgspec.json.decode` gives. That is one step of C code, which holds the interpreter's lock until it is done:
    seconds, for megabytes. Here a step is a scan of the text, or a piece of 32 KiB.

    Raises:
        msgspec.DecodeError: not JSON, or large parts nest in each other on more than 16 levels.
    """
    view = memoryview(text)
    if view.nbytes <= _STEP_BYTES or view[0] not in b"{[":
        return msgspec.json.decode(text)
    if not levels:
        raise msgspec.DecodeError("large parts nest too deeply")
    if view[0] == ord("{"):
        return {name: decode_gradually(value, levels - 1) for name, value in _members(text).items()}
    return [decode_gradually(item, levels - 1) for item in _items(text)]
