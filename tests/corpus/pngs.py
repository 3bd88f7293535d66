"""PNG files written by hand: every color type, depth, filter and interlacing, and chunks in any order."""

import struct
import zlib
from collections.abc import Iterator
from functools import partial

import numpy as np
from PIL import Image

from tests.corpus.case import Case, Pixels, rgba, turned
from tests.corpus.profiles import COLORED, GREY
from tests.support.images.pictures import chunk

_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # by color type
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_SIZES = ((16, 16), (19, 17), (33, 21), (64, 48), (131, 67))
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_TEXT = b"Comment\0" + b"taken on a rainy day " * 20
_ITXT = b"Title\0\1\0en\0title\0" + zlib.compress(b"a title " * 50)
_CHUNKS = {  # before the pixels
    "plain": b"",
    "gamma": chunk(b"gAMA", struct.pack(">I", 45455)),
    "linear": chunk(b"gAMA", struct.pack(">I", 100_000)),
    "cicp": chunk(b"cICP", bytes([12, 13, 0, 1])),
    "chromaticity": chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
    "srgb": chunk(b"sRGB", b"\0"),
    "density": chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
    "texts": chunk(b"tEXt", _TEXT)
    + chunk(b"zTXt", b"Key\0\0" + zlib.compress(_TEXT))
    + chunk(b"iTXt", _ITXT),
    "time": chunk(b"tIME", struct.pack(">HBBBBB", 2024, 2, 29, 12, 0, 60)),
    "unknown": chunk(b"orNT", b"1234") + chunk(b"vpAg", bytes(9)) + chunk(b"abCd", b""),
    "odd lengths": chunk(b"pHYs", bytes(5)) + chunk(b"gAMA", b"") + chunk(b"sRGB", bytes(3)),
    "bad check sum": chunk(b"tEXt", _TEXT)[:-4] + b"\0\0\0\0",
}


def png(
    samples: Pixels,
    color_type: int,
    bits: int,
    *,
    before: bytes = b"",
    after: bytes = b"",
    interlaced: bool = False,
    parts: int = 1,
    seed: int = 0,
) -> bytes:
    """Write (h, w, channels) samples, with filters drawn by the seed, the pixels in so many chunks."""
    height, width = samples.shape[:2]
    random = np.random.default_rng(seed)
    if interlaced:
        passes = [samples[y::dy, x::dx] for x, y, dx, dy in _PASSES]
        rows = b"".join(_rows(part, bits, random) for part in passes if part.size)
    else:
        rows = _rows(samples, bits, random)
    packed = zlib.compress(rows)
    step = -(-len(packed) // parts)
    pixels = b"".join(chunk(b"IDAT", packed[at : at + step]) for at in range(0, len(packed), step))
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, int(interlaced))
    body = chunk(b"IHDR", header) + before + pixels + after + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _rows(samples: Pixels, bits: int, random: np.random.Generator) -> bytes:
    height, _, channels = samples.shape
    if bits == 16:
        rows = samples.astype(">u2").reshape(height, -1).view(np.uint8)
    else:
        digits = np.unpackbits(samples.astype(np.uint8).reshape(height, -1, 1), axis=2)[:, :, 8 - bits :]
        rows = np.packbits(digits.reshape(height, -1), axis=1)
    step = max(1, bits * channels // 8)
    lines, above = [], np.zeros_like(rows[0])
    for row in rows:
        kind = int(random.integers(0, 3))
        left = np.concatenate([np.zeros(step, np.uint8), row])[: len(row)]
        filtered = row - (0, left, above)[kind]
        lines.append(bytes([kind]) + filtered.astype(np.uint8).tobytes())
        above = row
    return b"".join(lines)


def _samples(color_type: int, bits: int, size: tuple[int, int], seed: int) -> tuple[Pixels, Pixels]:
    """Return samples as stored, and what they look like: (h, w, 4), 8 bits."""
    wide = rgba(*size, seed).astype(np.uint32) * 257  # 16 bits
    if color_type in (0, 3, 4):
        wide[:, :, :3] = wide[:, :, 1:2]
    top = (1 << bits) - 1
    stored = (wide * top // 65535).astype(np.uint16)
    shown = (stored >> 8) if bits == 16 else stored.astype(np.uint32) * 255 // top
    shown = shown.astype(np.uint8)
    if color_type in (0, 2, 3):
        shown[:, :, 3] = 255
    channels = {0: [1], 2: [0, 1, 2], 3: [1], 4: [1, 3], 6: [0, 1, 2, 3]}[color_type]
    return stored[:, :, channels], shown


def _palette(bits: int) -> bytes:
    top = (1 << bits) - 1
    return chunk(b"PLTE", bytes(value * 255 // top for value in range(top + 1) for _ in range(3)))


def _exif(orientation: int, order: str = "<") -> bytes:
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def _kinds() -> Iterator[tuple[int, int]]:
    for color_type, depths in _DEPTHS.items():
        for bits in depths:
            yield color_type, bits


def _build(
    kind: tuple[int, int], size: tuple[int, int], seed: int, orientation: int = 1, **how: object
) -> bytes:
    color_type, bits = kind
    samples, _ = _samples(color_type, bits, size, seed)
    before = how.pop("before", b"")
    assert isinstance(before, bytes)
    if color_type == 3:
        before += _palette(bits)
    if orientation > 1:
        before += chunk(b"eXIf", _exif(orientation, "<>"[seed % 2]))
    return png(turned(samples, orientation), color_type, bits, before=before, seed=seed, **how)  # type: ignore[arg-type]


def _shown(kind: tuple[int, int], size: tuple[int, int], seed: int, **_: object) -> Pixels:
    return _samples(*kind, size, seed)[1]


def _case(name: str, kind: tuple[int, int], size: tuple[int, int], seed: int, **how: object) -> Case:
    grey16 = kind == (0, 16)
    truth = partial(_shown, kind, size, seed) if grey16 else None
    label = f"png {kind[0]}/{kind[1]} {size[0]}x{size[1]} {name}"
    return Case(label, partial(_build, kind, size, seed, **how), truth, "16-bit grey" if grey16 else "")


def png_cases() -> Iterator[Case]:
    """Yield PNG files by kind, size, interlacing, orientation, chunks, profile and transparent color."""
    for seed, kind in enumerate(_kinds()):
        for size in _SIZES:
            for interlaced in (False, True):
                yield _case(f"interlaced={interlaced}", kind, size, seed, interlaced=interlaced)
        for orientation in range(1, 9):
            yield _case(f"orientation {orientation}", kind, (33, 21), seed, orientation=orientation)
            moved = {"after": chunk(b"eXIf", _exif(orientation, ">"))}
            samples = partial(_late_exif, kind, seed, orientation, moved["after"])
            truth = partial(_shown, kind, (33, 21), seed) if kind == (0, 16) else None
            label = f"png {kind[0]}/{kind[1]} late orientation {orientation}"
            yield Case(label, samples, truth, "16-bit grey" if truth else "")
        for name, before in _CHUNKS.items():
            if name not in ("odd lengths", "bad check sum"):
                yield _case(name, kind, (33, 21), seed, before=before)
                yield _case(f"{name} behind the pixels", kind, (33, 21), seed, after=before)
        for parts in (2, 7, 40):
            yield _case(f"{parts} chunks of pixels", kind, (33, 21), seed, parts=parts)
    yield from _shuffled()
    yield from _spoiled()
    yield from _profiled()
    yield from _keyed()


def _late_exif(kind: tuple[int, int], seed: int, orientation: int, after: bytes) -> bytes:
    samples, _ = _samples(*kind, (33, 21), seed)
    before = _palette(kind[1]) if kind[0] == 3 else b""
    return png(turned(samples, orientation), *kind, before=before, after=after, seed=seed)


def _shuffled() -> Iterator[Case]:
    """Yield files whose chunks come in any order, before the pixels and behind them."""
    parts = {name: body for name, body in _CHUNKS.items() if name not in ("odd lengths", "bad check sum")}
    parts["profile"] = chunk(b"iCCP", b"p\0\0" + zlib.compress(COLORED["p3"]))
    random = np.random.default_rng(2)
    for number in range(240):
        kind = ((2, 8), (6, 8), (2, 16), (6, 16))[number % 4]
        order = [name for name in random.permutation(list(parts)) if random.random() < 0.6]
        cut = int(random.integers(0, len(order) + 1))
        before = b"".join(parts[name] for name in order[:cut])
        after = b"".join(parts[name] for name in order[cut:] if name not in ("profile", "srgb"))
        orientation = 1 + number % 8
        how = {"before": before, "after": after, "orientation": orientation, "parts": 1 + number % 3}
        yield _case(f"chunks {number}", kind, (33, 21), number, **how)


def _spoiled() -> Iterator[Case]:
    """Yield files with metadata that Pillow refuses, or drops with the picture."""
    for kind in ((2, 8), (6, 8), (3, 4), (0, 8)):
        for name in ("odd lengths", "bad check sum"):
            truth = partial(_shown, kind, (33, 21), 5)
            build = partial(_build, kind, (33, 21), 5, before=_CHUNKS[name])
            yield Case(f"png {kind[0]}/{kind[1]} {name}", build, truth, "metadata")


def _profiled() -> Iterator[Case]:
    for kind in _kinds():
        profiles = GREY | {"color": COLORED["adobe"]} if kind[0] in (0, 4) else COLORED
        for name, profile in profiles.items():
            if kind == (0, 16) or (kind[0] in (0, 4) and name == "color"):
                continue  # neither has a measure: Pillow converts no such pixels
            before = chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))
            yield _case(f"profile {name}", kind, (33, 21), 3, before=before)


def _keyed() -> Iterator[Case]:
    """Yield pictures in which one color is transparent, and palettes with alpha."""
    for kind in ((0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16)):
        for seed in range(3):
            exception = "" if kind in ((0, 8), (2, 8)) else "transparent color"
            truth = partial(_key_shown, kind, seed) if exception else None
            yield Case(
                f"png {kind[0]}/{kind[1]} key {seed}", partial(_key_file, kind, seed), truth, exception
            )
    for bits in (1, 2, 4, 8):
        for entries in sorted({1, (1 << bits) // 2, 1 << bits}):
            alphas = bytes(value * 255 // entries for value in range(entries))
            before = _palette(bits) + chunk(b"tRNS", alphas)
            yield Case(f"png 3/{bits} {entries} alphas", partial(_palette_file, bits, before))


def _palette_file(bits: int, before: bytes) -> bytes:
    return png(_samples(3, bits, (33, 21), 1)[0], 3, bits, before=before, seed=1)


def _key(kind: tuple[int, int], seed: int) -> tuple[Pixels, Pixels, Pixels]:
    stored, shown = _samples(*kind, (33, 21), seed)
    return stored, shown, stored[11, 17]


def _key_file(kind: tuple[int, int], seed: int) -> bytes:
    stored, _, key = _key(kind, seed)
    return png(stored, *kind, before=chunk(b"tRNS", key.astype(">u2").tobytes()), seed=seed)


def _key_shown(kind: tuple[int, int], seed: int) -> Pixels:
    stored, shown, key = _key(kind, seed)
    shown[:, :, 3] = np.where((_comparable(stored, kind) == _comparable(key, kind)).all(axis=-1), 0, 255)
    return shown


def _comparable(samples: Pixels, kind: tuple[int, int]) -> Pixels:
    """Pillow keeps the upper half of 16-bit colors, and so do we: colors are compared by it."""
    return samples >> 8 if kind == (2, 16) else samples


def animated(count: int, size: tuple[int, int] = (33, 21)) -> list[Image.Image]:
    """Return frames that differ, in mode RGBA."""
    return [Image.fromarray(rgba(*size, seed).astype(np.uint8)) for seed in range(count)]
