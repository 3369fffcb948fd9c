"""A plot of cost against the number of services, as an SVG of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log10

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 720, 420, 70, 60
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b")


def chart(title: str, series: Mapping[str, Sequence[tuple[float, float]]], across: str, up: str) -> str:
    """Lines through the points of each series; both axes are logarithmic."""
    points = [point for line in series.values() for point in line]
    low_x, high_x = _span([x for x, _ in points])
    low_y, high_y = _span([y for _, y in points])

    def place(x: float, y: float) -> tuple[float, float]:
        right = _LEFT + (log10(x) - low_x) / (high_x - low_x) * (_WIDTH - _LEFT - 170)
        down = _HEIGHT - _BOTTOM - (log10(max(y, 10**low_y)) - low_y) / (high_y - low_y) * (_HEIGHT - _BOTTOM - 40)
        return round(right, 1), round(down, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        '<g font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{escape(title)}</text>',
        f'<text x="{_LEFT}" y="{_HEIGHT - 14}">{escape(across)}</text>',
        f'<text transform="translate(16 {_HEIGHT - _BOTTOM}) rotate(-90)">{escape(up)}</text>',
    ]
    for power in range(int(low_y), int(high_y) + 1):
        _, y = place(10**low_x, 10.0**power)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 170}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{10.0**power:g}</text>')
    for value in sorted({x for x, _ in points}):
        x, _ = place(value, 10**low_y)
        parts.append(f'<text x="{x}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{value:g}</text>')
    for number, (name, line) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(",".join(map(str, place(*point))) for point in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{place(*p)[0]}" cy="{place(*p)[1]}" r="3" fill="{colour}"/>' for p in line]
        y = 50 + 18 * number
        parts.append(f'<text x="{_WIDTH - 160}" y="{y}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _span(values: Sequence[float]) -> tuple[float, float]:
    """The powers of ten around the values."""
    logs = [log10(max(value, 0.1)) for value in values]
    low, high = min(logs), max(logs)
    return float(int(low) - (low < 0)), float(int(high) + 1)
