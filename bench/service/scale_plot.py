"""Draws what an item costs by the length of the backlog, a line for each number of workers, as a PNG."""

import math
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw

_WIDTH, _HEIGHT = 760, 320  # pixels
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 150, 40, 40  # margins
_COLORS = ("#1f5fa8", "#c4452d", "#2f8a4c", "#8a5fb0")
_INK, _LINES, _PAPER = "#222222", "#dddddd", "#ffffff"
_DIVISIONS = 4  # of the upright axis


def draw_costs(costs: Mapping[int, Mapping[int, float]], path: Path) -> None:
    """Draw milliseconds by workers, then by items that wait; the axis of items is logarithmic."""
    sheet = Image.new("RGB", (_WIDTH, _HEIGHT), _PAPER)
    draw = ImageDraw.Draw(sheet)
    lengths = sorted({length for by_length in costs.values() for length in by_length})
    highest = 1.25 * max(cost for by_length in costs.values() for cost in by_length.values())
    _draw_axes(draw, lengths, highest)
    for index, (workers, by_length) in enumerate(costs.items()):
        points = [_place(length, cost, lengths, highest) for length, cost in sorted(by_length.items())]
        _draw_line(draw, points, _COLORS[index % len(_COLORS)])
        label = f"{workers} worker{'s' * (workers > 1)}"
        draw.text(
            (_WIDTH - _RIGHT + 20, _TOP + 20 * index), label, _COLORS[index % len(_COLORS)], font_size=13
        )
    sheet.save(path, optimize=True)


def _place(length: int, cost: float, lengths: list[int], highest: float) -> tuple[float, float]:
    first, last = math.log10(lengths[0]), math.log10(lengths[-1])
    share = (math.log10(length) - first) / max(last - first, 1e-9)
    x = _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
    return x, _TOP + (1 - cost / highest) * (_HEIGHT - _TOP - _BOTTOM)


def _draw_axes(draw: ImageDraw.ImageDraw, lengths: list[int], highest: float) -> None:
    draw.text((_LEFT, 12), "processor time an item, ms, by items that wait", _INK, font_size=14)
    for division in range(_DIVISIONS + 1):
        cost = highest * division / _DIVISIONS
        _, y = _place(lengths[0], cost, lengths, highest)
        draw.line((_LEFT, y, _WIDTH - _RIGHT, y), _LINES)
        draw.text((_LEFT - 8, y), f"{cost:.2g}", _INK, anchor="rm")
    for length in lengths:
        x, y = _place(length, 0, lengths, highest)
        draw.text((x, y + 8), f"{length:,}", _INK, anchor="mt")


def _draw_line(draw: ImageDraw.ImageDraw, points: list[tuple[float, float]], color: str) -> None:
    draw.line(points, color, width=2)
    for x, y in points:
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), color)
