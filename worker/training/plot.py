"""A run's figures over its steps, drawn as a PNG."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

Point = tuple[float, float]

_WIDTH, _HEIGHT = 900, 240  # pixels of one panel
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 34, 30  # margins, pixels
_COLORS = ("#1f5fa8", "#c4452d")
_INK, _LINES, _PAPER = "#222222", "#dddddd", "#ffffff"
_DIVISIONS = 4  # of an axis
_POINTS = 300  # a longer line is averaged down to about this many points


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    keys: tuple[str, ...]  # of the metrics


_PANELS = (
    _Panel("losses", ("generator_loss", "discriminator_loss")),
    _Panel("taken for real", ("real_score", "fake_score")),
    _Panel("distance to the data", ("quality",)),
)


def draw_plot(lines: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the lines of a metrics log: losses, the discriminator's scores and the checks of quality."""
    sheet = Image.new("RGB", (_WIDTH, _HEIGHT * len(_PANELS)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    last = max((line["step"] for line in lines), default=1)
    for number, panel in enumerate(_PANELS):
        curves = [_points(lines, key) for key in panel.keys]
        _draw_panel(draw, number * _HEIGHT, panel, curves, last)
    sheet.save(path)


def _points(lines: Sequence[dict[str, Any]], key: str) -> list[Point]:
    found = [(line["step"], line[key]) for line in lines if key in line]
    every = max(1, len(found) // _POINTS)
    groups = [found[start : start + every] for start in range(0, len(found), every)]
    return [(_mean([step for step, _ in group]), _mean([value for _, value in group])) for group in groups]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _draw_panel(
    draw: ImageDraw.ImageDraw, top: int, panel: _Panel, curves: list[list[Point]], last: float
) -> None:
    highest = max((value for curve in curves for _, value in curve), default=1.0) or 1.0
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    for division in range(_DIVISIONS + 1):
        share = division / _DIVISIONS
        x, y = _LEFT + share * width, top + _TOP + (1 - share) * height
        draw.line((_LEFT, y, _LEFT + width, y), _LINES)
        draw.text((_LEFT - 8, y), f"{share * highest:.3g}", _INK, anchor="rm")
        draw.text((x, top + _HEIGHT - _BOTTOM + 6), f"{share * last:.0f}", _INK, anchor="mt")
    x = _LEFT
    draw.text((x, top + 10), panel.title, _INK, font_size=14)
    for key, color, curve in zip(panel.keys, _COLORS, curves, strict=False):
        x += 190
        draw.text((x, top + 12), key.replace("_", " "), color)
        scaled = [
            (_LEFT + step / last * width, top + _TOP + (1 - max(value, 0) / highest) * height)
            for step, value in curve
        ]
        _draw_curve(draw, scaled, color)


def _draw_curve(draw: ImageDraw.ImageDraw, points: list[Point], color: str) -> None:
    if len(points) > 1:
        draw.line(points, color, width=2)
    for x, y in points if len(points) < 30 else []:
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), color)
