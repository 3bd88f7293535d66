"""A lake in the evening: sky, sun, mountains, hills, water, a house and trees, drawn with Pillow alone."""

import math
import random
from collections.abc import Callable, Sequence
from itertools import pairwise

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Color = tuple[int, int, int]
Size = tuple[int, int]

SKY: tuple[tuple[float, Color], ...] = (
    (0.0, (38, 62, 118)),
    (0.35, (104, 130, 184)),
    (0.6, (226, 172, 150)),
    (0.8, (250, 204, 130)),
    (1.0, (255, 226, 160)),
)
HORIZON = 0.58  # of the height
SUN = (0.66, 0.47)  # of width and height
RIDGES: tuple[tuple[float, float, Color], ...] = (  # base and amplitude of the height, farthest first
    (0.50, 0.10, (126, 128, 164)),
    (0.53, 0.08, (92, 100, 134)),
    (0.56, 0.05, (62, 80, 96)),
)

BOUGHS = (
    (0.0, -0.16, 0.17),
    (-0.17, -0.02, 0.15),
    (0.17, -0.03, 0.16),
    (0.02, 0.08, 0.17),
    (-0.08, 0.14, 0.12),
)


def draw_landscape(width: int = 768, height: int = 512, *, seed: int = 11) -> Image.Image:
    """Return the picture, drawn at twice its size and brought down, so that its edges are smooth."""
    rng = random.Random(seed)
    size = (width * 2, height * 2)
    picture = _gradient(size, SKY, until=HORIZON + 0.04)
    picture = _add_glow(picture)
    picture = _add_clouds(picture, rng)
    for base, amplitude, color in RIDGES:
        _fill_below(picture, _ridge(rng, base, amplitude), color, until=HORIZON + 0.02)
    _mirror_into_lake(picture, rng)
    _draw_shore(picture, rng)
    _draw_house(picture)
    _draw_trees(picture, rng)
    picture = _add_grain(picture, rng)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _gradient(size: Size, stops: Sequence[tuple[float, Color]], *, until: float) -> Image.Image:
    column = Image.new("RGB", (1, size[1]))
    for y in range(size[1]):
        column.putpixel((0, y), _between(stops, min(1.0, y / size[1] / until)))
    return column.resize(size)


def _between(stops: Sequence[tuple[float, Color]], at: float) -> Color:
    for (low, first), (high, second) in pairwise(stops):
        if at <= high:
            share = (at - low) / (high - low)
            return _mix(first, second, share)
    return stops[-1][1]


def _mix(first: Color, second: Color, share: float) -> Color:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _add_glow(picture: Image.Image) -> Image.Image:
    """Put the sun into the sky: light is added, so it bleaches what is near it."""
    width, height = picture.size
    x, y = SUN[0] * width, SUN[1] * height
    for radius, color, blur in (
        (0.26, (120, 70, 20), 0.10),
        (0.09, (120, 96, 50), 0.03),
        (0.042, (255, 246, 205), 0.002),
    ):
        light = Image.new("RGB", picture.size)
        reach = radius * height
        ImageDraw.Draw(light).ellipse((x - reach, y - reach, x + reach, y + reach), fill=color)
        picture = ImageChops.add(picture, light.filter(ImageFilter.GaussianBlur(blur * height)))
    return picture


def _add_clouds(picture: Image.Image, rng: random.Random) -> Image.Image:
    width, height = picture.size
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    for _ in range(9):
        x, y = rng.uniform(-0.1, 1.0) * width, rng.uniform(0.06, 0.36) * height
        for _ in range(26):
            along, across = rng.gauss(0, 0.075) * width, rng.gauss(0, 0.009) * height
            reach = rng.uniform(0.008, 0.028) * height
            box = (x + along - 3 * reach, y + across - reach, x + along + 3 * reach, y + across + reach)
            draw.ellipse(box, fill=rng.randint(60, 150))
    mask = mask.filter(ImageFilter.GaussianBlur(height * 0.008))
    return Image.composite(Image.new("RGB", picture.size, (255, 222, 205)), picture, mask)


def _ridge(rng: random.Random, base: float, amplitude: float) -> Callable[[float], float]:
    waves = [(2**k, amplitude / 1.9**k, rng.uniform(0, math.tau)) for k in range(1, 7)]
    return lambda x: base - sum(a * abs(math.sin(f * x * 2.1 + p)) for f, a, p in waves) + amplitude * 0.6


def _fill_below(picture: Image.Image, line: Callable[[float], float], color: Color, *, until: float) -> None:
    width, height = picture.size
    points = [(x, line(x / width) * height) for x in range(0, width + 4, 4)]
    ImageDraw.Draw(picture).polygon([*points, (width, until * height), (0, until * height)], fill=color)


def _mirror_into_lake(picture: Image.Image, rng: random.Random) -> None:
    """Turn what is above the horizon over, darken it, and shift its rows as ripples do."""
    width, height = picture.size
    shore = round(HORIZON * height)
    flipped = picture.crop((0, 2 * shore - height, width, shore)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    water = ImageChops.multiply(flipped, Image.new("RGB", flipped.size, (214, 206, 212)))
    phase = rng.uniform(0, math.tau)
    for y in range(0, water.height, 2):
        depth = y / water.height
        shift = round(math.sin(phase + 34 * math.sqrt(depth + 0.02) * 4) * (2 + 22 * depth))
        row = ImageChops.offset(water.crop((0, y, width, y + 2)), shift, 0)
        picture.paste(row, (0, shore + y))


def _draw_shore(picture: Image.Image, rng: random.Random) -> None:
    for base, amplitude, color in ((0.80, 0.03, (74, 104, 52)), (0.87, 0.03, (52, 82, 40))):
        _fill_below(picture, _slope(rng, base, amplitude), color, until=1.0)
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    for _ in range(2600):
        x, y = rng.uniform(0, width), rng.uniform(0.86, 1.0) * height
        blade = rng.uniform(0.008, 0.03) * height * (y / height)
        color = _mix((40, 70, 32), (150, 170, 70), rng.random() ** 2)
        draw.line((x, y, x + rng.uniform(-0.4, 0.4) * blade, y - blade), fill=color, width=2)
    for _ in range(160):
        x, y = rng.uniform(0, width), rng.uniform(0.89, 0.99) * height
        reach = rng.uniform(2, 5)
        color = rng.choice([(232, 92, 70), (250, 214, 90), (240, 236, 226), (196, 120, 196)])
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=color)


def _slope(rng: random.Random, base: float, amplitude: float) -> Callable[[float], float]:
    phase = rng.uniform(0, math.tau)
    return lambda x: (
        base + amplitude * math.sin(3.1 * x + phase) + 0.25 * amplitude * math.sin(11 * x + phase)
    )


def _draw_house(picture: Image.Image) -> None:
    width, height = picture.size
    draw = ImageDraw.Draw(picture)

    def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
        """Place points of the house's own grid, whose unit is a hundredth of the picture's height."""
        return [(0.20 * width + x * height / 100, 0.82 * height + y * height / 100) for x, y in points]

    draw.polygon(at((0, 0), (0, -12), (16, -12), (16, 0)), fill=(214, 190, 158))
    draw.polygon(at((16, 0), (16, -12), (27, -12), (27, 0)), fill=(176, 146, 122))
    draw.polygon(at((16, -12), (21.5, -20), (27, -12)), fill=(164, 134, 112))
    draw.polygon(at((-2, -11.5), (4, -21), (21.5, -21), (16, -11.5)), fill=(150, 62, 48))
    draw.polygon(at((21.5, -21), (28.5, -11.2), (27, -11.2), (20.5, -19.6)), fill=(112, 44, 38))
    draw.polygon(at((5, -19), (5, -25), (7.5, -25), (7.5, -19)), fill=(112, 72, 62))
    for x in (2, 11):
        draw.polygon(at((x, -4), (x, -9), (x + 3.5, -9), (x + 3.5, -4)), fill=(255, 214, 120))
        draw.line(at((x + 1.75, -4), (x + 1.75, -9)), fill=(120, 84, 60), width=3)
    draw.polygon(at((6.6, 0), (6.6, -7.5), (9.8, -7.5), (9.8, 0)), fill=(96, 60, 44))
    draw.polygon(at((19.5, -4), (19.5, -9), (23.5, -9), (23.5, -4)), fill=(236, 186, 98))


def _draw_trees(picture: Image.Image, rng: random.Random) -> None:
    for x, y, size in (
        (0.07, 0.86, 0.34),
        (0.145, 0.83, 0.22),
        (0.83, 0.88, 0.40),
        (0.93, 0.86, 0.30),
        (0.74, 0.83, 0.17),
    ):
        _draw_tree(picture, rng, foot=(x * picture.width, y * picture.height), size=size * picture.height)


def _draw_tree(picture: Image.Image, rng: random.Random, *, foot: tuple[float, float], size: float) -> None:
    """Draw a trunk, then leaves from the shaded side to the lit one."""
    draw = ImageDraw.Draw(picture)
    x, y = foot
    trunk = size * 0.035
    draw.polygon(
        [(x - trunk, y), (x - trunk / 2, y - size / 2), (x + trunk / 2, y - size / 2), (x + trunk, y)],
        (64, 46, 36),
    )
    leaves = [_leaf(rng) for _ in range(760)]
    for dx, dy in sorted(leaves, key=lambda leaf: leaf[0] - leaf[1]):
        light = min(1.0, max(0.0, 0.42 + 1.1 * dx - 1.1 * dy + rng.uniform(-0.18, 0.18)))
        reach = size * rng.uniform(0.018, 0.04)
        cx, cy = x + dx * size, y - size * 0.66 + dy * size
        draw.ellipse(
            (cx - reach, cy - reach, cx + reach, cy + reach), fill=_mix((26, 52, 34), (160, 172, 66), light)
        )


def _leaf(rng: random.Random) -> tuple[float, float]:
    """Return a place in a crown: in one of its round boughs."""
    bough, reach, angle = rng.choice(BOUGHS), math.sqrt(rng.random()), rng.uniform(0, math.tau)
    return bough[0] + bough[2] * reach * math.cos(angle), bough[1] + bough[2] * reach * math.sin(angle)


def _add_grain(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Add the fine noise of a camera, so that flat areas are not flat."""
    grain = Image.frombytes("L", picture.size, rng.randbytes(picture.width * picture.height))
    soft = grain.filter(ImageFilter.GaussianBlur(1.2)).convert("RGB")
    return Image.blend(picture, ImageChops.overlay(picture, soft), 0.18)
