"""A painting to take a style from: a night of swirls, in thousands of brush strokes along a field of flow."""

import math
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageEnhance

Color = tuple[int, int, int]

NIGHT: tuple[Color, ...] = ((14, 30, 92), (24, 58, 138), (36, 96, 176), (66, 142, 196), (130, 190, 206))
FIRE: tuple[Color, ...] = ((255, 236, 150), (252, 204, 66), (240, 150, 40), (214, 92, 40), (120, 160, 170))
EARTH: tuple[Color, ...] = ((16, 52, 56), (30, 92, 78), (88, 130, 66), (178, 156, 60), (16, 30, 60))
VORTICES = (
    (0.30, 0.30, 0.20, 1.0),
    (0.72, 0.22, 0.15, -1.0),
    (0.60, 0.58, 0.17, 1.0),
    (0.14, 0.66, 0.10, -1.0),
)
LAYERS = ((900, 0.030, 0.16), (2600, 0.016, 0.10), (5200, 0.008, 0.06))  # strokes, their width and length


@dataclass(frozen=True, slots=True)
class _Stroke:
    points: list[tuple[float, float]]  # 0..1
    width: float  # of the picture's side
    color: Color


def draw_painting(side: int = 512, *, seed: int = 5) -> Image.Image:
    """Return a square picture; drawn at twice its size and brought down, from broad strokes to fine ones."""
    rng = random.Random(seed)
    picture = Image.new("RGB", (side * 2, side * 2), NIGHT[0])
    draw = ImageDraw.Draw(picture)
    for count, width, length in LAYERS:
        for _ in range(count):
            _paint(draw, _stroke(rng, width, length), side * 2)
    small = picture.resize((side, side), Image.Resampling.LANCZOS)
    return ImageEnhance.Color(small).enhance(1.15)


def _stroke(rng: random.Random, width: float, length: float) -> _Stroke:
    """Follow the flow from a point taken by chance."""
    x, y = rng.uniform(-0.12, 1.05), rng.uniform(-0.05, 1.05)
    color = _color(rng, x, y)
    steps = 7
    points = [(x, y)]
    for _ in range(steps):
        angle = _flow(x, y)
        x, y = x + math.cos(angle) * length / steps, y + math.sin(angle) * length / steps
        points.append((x, y))
    return _Stroke(points, width * rng.uniform(0.6, 1.2), color)


def _flow(x: float, y: float) -> float:
    """Return the direction of the brush: waves, bent round every vortex."""
    dx, dy = 1.0, 0.5 * math.sin(5 * x + 2 * y)
    for cx, cy, reach, turn in VORTICES:
        away = math.hypot(x - cx, y - cy) + 1e-6
        pull = 5.0 * math.exp(-((away / reach) ** 2))
        dx -= turn * pull * (y - cy) / away
        dy += turn * pull * (x - cx) / away
    return math.atan2(dy, dx)


def _color(rng: random.Random, x: float, y: float) -> Color:
    """Return a color: fire near the vortices, earth below, night elsewhere, each stroke a little off."""
    palette, place = NIGHT, 0.5 + 0.5 * math.sin(9 * y + 4 * math.sin(3 * x))
    ring, reach = min((math.hypot(x - cx, y - cy), reach) for cx, cy, reach, _ in VORTICES)
    if ring < 0.62 * reach:
        palette, place = FIRE, ring / (0.62 * reach)
    elif y > 0.80 + 0.05 * math.sin(7 * x):
        palette, place = EARTH, 0.5 + 0.5 * math.sin(16 * x + 5 * y)
    index = min(len(palette) - 1, max(0, round(place * (len(palette) - 1) + rng.gauss(0, 0.7))))
    red, green, blue = (min(255, max(0, round(value + rng.gauss(0, 14)))) for value in palette[index])
    return red, green, blue


def _paint(draw: ImageDraw.ImageDraw, stroke: _Stroke, side: int) -> None:
    """Draw the stroke's dark edge, its body, and the light along its ridge."""
    points = [(x * side, y * side) for x, y in stroke.points]
    width = max(3, round(stroke.width * side))
    draw.line(points, fill=_shade(stroke.color, 0.72), width=width, joint="curve")
    raised = [(x - width * 0.10, y - width * 0.10) for x, y in points]
    draw.line(raised, fill=stroke.color, width=max(2, round(width * 0.72)), joint="curve")
    ridge = [(x - width * 0.20, y - width * 0.20) for x, y in points[1:-1]]
    draw.line(ridge, fill=_shade(stroke.color, 1.22), width=max(1, round(width * 0.16)), joint="curve")


def _shade(color: Color, factor: float) -> Color:
    red, green, blue = (min(255, round(value * factor)) for value in color)
    return red, green, blue
