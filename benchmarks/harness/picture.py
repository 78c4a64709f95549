"""Horizontal bars as SVG, readable on light and dark pages."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _THICK = 760, 290, 120, 46, 28, 18
_STYLE = """<style>
text{font:13px system-ui,sans-serif;fill:#1f2a30}.title{font-size:15px;font-weight:600}.page{fill:#fbfaf7}
.ours{fill:#2f7d6d}.peer{fill:#b9c2c6}.mark{stroke:#b4532a;stroke-dasharray:4 3}.note{fill:#b4532a}
@media(prefers-color-scheme:dark){text{fill:#e6e9ea}.page{fill:#15191b}.ours{fill:#57b39f}.peer{fill:#566066}
.mark{stroke:#e08a5f}.note{fill:#e08a5f}}
</style>"""


class Bar(NamedTuple):
    """A value with its name; `is_peer` tells what Gatepass is compared with."""

    label: str
    value: float
    is_peer: bool = False


class Mark(NamedTuple):
    """A bound across all bars, in their unit."""

    label: str
    value: float


def picture(title: str, bars: Sequence[Bar], unit: str, mark: Mark | None = None) -> str:
    """The SVG document."""
    foot = 20 if mark else 0
    height = _TOP + _ROW * len(bars) + 10 + foot
    values = [bar.value for bar in bars] + ([mark.value] if mark else [])
    scale = (_WIDTH - _LEFT - _RIGHT) / (max(values) or 1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{html.escape(title)}</title>",
        _STYLE,
        f'<rect class="page" width="{_WIDTH}" height="{height}"/>',
        f'<text class="title" x="16" y="26">{html.escape(title)}</text>',
        *(_row(bar, _TOP + _ROW * number, scale, unit) for number, bar in enumerate(bars)),
        *([_line(mark, scale, height - foot)] if mark else []),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _row(bar: Bar, y: int, scale: float, unit: str) -> str:
    width = max(bar.value * scale, 1.0)
    kind = "peer" if bar.is_peer else "ours"
    return (
        f'<text x="{_LEFT - 10}" y="{y + 14}" text-anchor="end">{html.escape(bar.label)}</text>'
        f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_THICK}" rx="3"/>'
        f'<text x="{_LEFT + width + 8:.1f}" y="{y + 14}">{_number(bar.value)} {html.escape(unit)}</text>'
    )


def _line(mark: Mark, scale: float, bottom: int) -> str:
    x = _LEFT + mark.value * scale
    return (
        f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{bottom}"/>'
        f'<text class="note" x="{x:.1f}" y="{bottom + 12}" text-anchor="middle">{html.escape(mark.label)}</text>'
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
