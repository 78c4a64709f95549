"""How far an export is: a file beside the one that grows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class State:
    """How far an export is. `cursor` is that of the last page in the file; `size` is the file's in bytes."""

    job: str
    cursor: str | None = None
    size: int = 0
    count: int = 0
    columns: tuple[str, ...] = ()


def state_file(part: Path) -> Path:
    """Where the state of an export lies."""
    return part.with_name(f"{part.name}.json")


def save(part: Path, state: State) -> None:
    """Keep it, whole or not at all."""
    path = state_file(part)
    new = path.with_name(f"{path.name}.new")
    try:
        new.write_text(json.dumps(asdict(state)), encoding="utf-8")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def load(part: Path) -> State | None:
    """What is there to go on with; None if it is damaged or nothing."""
    try:
        state = State(**json.loads(state_file(part).read_text("utf-8")))
        is_whole = part.stat().st_size >= state.size
    except (OSError, ValueError, TypeError):
        return None
    return replace(state, columns=tuple(state.columns)) if is_whole else None
