"""The settings for people: the reference page, and the commented file that `gatepass init` writes."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final

from gatepass.settings.keys import UNDERIVED, NamedKey
from gatepass.settings.model import KEYS

_REFERENCE_HEAD: Final = """\
# Settings

Each setting can be given in several places. The first of these that has it counts:

1. a flag of the command, where it has one: `--port 9000`;
2. the environment: `GATEPASS_PORT=9000`; for the settings marked *secret* also a file,
   `GATEPASS_SECRET_KEY_FILE=/run/secrets/gatepass`, but not both at once. An empty variable counts as not set;
3. the file `gatepass.toml` in the data folder, or the one that `--config` or `GATEPASS_CONFIG` names: `port = 9000`;
4. the default.

An unknown key or a bad value is refused with the name of its source. `gatepass config show --origin` prints what holds
and where it came from.
"""
_TEMPLATE_HEAD: Final = """\
# Settings of Gatepass. Remove the '#' before a line to change it.
# Flags and GATEPASS_* variables come before this file; 'gatepass config show --origin' says what holds.
"""
_ELSEWHERE: Final = frozenset({"data_dir", "secret_key", "secret_key_previous"})
_TEMPLATE_WIDTH: Final = 100


def settings_reference() -> str:
    """The page `docs/reference/settings.md`, in Markdown."""
    parts = [_REFERENCE_HEAD]
    for group, rows in _groups():
        parts.append(f"\n## {group}\n\n| setting | expected | default | |\n| --- | --- | --- | --- |\n")
        parts.extend(_row(row) for row in rows)
    return "".join(parts)


def settings_template(given: Mapping[str, str] | None = None) -> str:
    """A `gatepass.toml` in which every setting is a comment with its default, but for the texts that are given."""
    parts = [_TEMPLATE_HEAD]
    for group, rows in _groups():
        parts.append(f"\n# ---- {group} ----\n")
        parts.extend(_lines(row, (given or {}).get(row.name)) for row in rows if row.name not in _ELSEWHERE)
    return "".join(parts)


def toml(value: object) -> str:
    """A value as TOML writes it; text as in JSON, which is the same here."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(name)} = {toml(inner)}" for name, inner in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _groups() -> Iterator[tuple[str, Iterator[NamedKey]]]:
    return groupby(KEYS, key=lambda row: row.key.group)


def _row(row: NamedKey) -> str:
    secret = " *Secret.*" if row.key.kind.is_secret else ""
    return f"| `{row.name}` | {row.key.kind.expected} | {_default(row)} | {row.key.text}{secret} |\n"


def _lines(row: NamedKey, given: str | None) -> str:
    text = textwrap.fill(row.key.text, _TEMPLATE_WIDTH, initial_indent="# ", subsequent_indent="# ")
    if given is not None:
        return f"\n{text}\n{row.name} = {toml(given)}\n"
    plain = _plain_default(row)
    if plain is None:
        note = f"  # {_default(row).replace('`', '')}" if row.default is UNDERIVED else ""
        return f'\n{text}\n#{row.name} = "…"{note}\n'
    return f"\n{text}\n#{row.name} = {plain}\n"


def _default(row: NamedKey) -> str:
    if row.default is UNDERIVED:
        return row.key.default_words
    plain = _plain_default(row)
    return "none" if plain is None else f"`{plain}`"


def _plain_default(row: NamedKey) -> str | None:
    """The default in TOML; `None` where it is none, or is made from other settings."""
    if row.default in (UNDERIVED, None):
        return None
    return toml(row.key.kind.plain(row.default))
