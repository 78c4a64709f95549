"""Whether what was seen is what a page shows, where `…` stands for anything."""

from __future__ import annotations

import json
import re
from typing import Any

ANYTHING = "…"


def text_matches(shown: str, seen: str) -> bool:
    """Line for line, but for white space at the ends of lines and of the whole."""
    pattern = re.escape(_trimmed(shown)).replace(re.escape(ANYTHING), ".*")
    return re.fullmatch(pattern, _trimmed(seen), re.DOTALL) is not None


def json_matches(shown: str, seen: str) -> bool:
    """Value for value; a text that is `…` alone stands for any value, and no member may be missing or too many."""
    try:
        return _value_matches(json.loads(shown), json.loads(seen))
    except ValueError:
        return False


def _value_matches(shown: Any, seen: Any) -> bool:
    if shown == ANYTHING:
        return True
    if isinstance(shown, dict) and isinstance(seen, dict):
        return shown.keys() == seen.keys() and all(_value_matches(shown[key], seen[key]) for key in shown)
    if isinstance(shown, list) and isinstance(seen, list):
        return len(shown) == len(seen) and all(map(_value_matches, shown, seen))
    if isinstance(shown, str) and isinstance(seen, str):
        return text_matches(shown, seen)
    return type(shown) is type(seen) and bool(shown == seen)


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
