"""The generator's input vectors, drawn from each picture's seed, and walks between them. Needs only NumPy."""

from itertools import pairwise
from math import atan2, cos, fsum, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from shared.cards.parts import Latent

Floats = NDArray[np.float64]


def latent(shape: Latent, seed: int, digit: int | None, truncation: float) -> NDArray[np.float32]:
    """Return the vector of one picture: `normals` values of N(0, truncation^2), then a one-hot class.

    The seed (0 <= seed < 2**53) alone fixes the normals, so the same seed with another digit is the same
    handwriting. Truncation scales the normals: below 1 the pictures are nearer to the typical
    one, and digits are more legible and less varied. With `digit` None the class comes from the seed
    too: `digit_of`.
    """
    stream = _stream(seed)
    drawn = _draw_class(stream, shape)
    normals = stream.standard_normal(shape.normals) * truncation
    vector = np.zeros(shape.size, np.float32)
    vector[: shape.normals] = normals
    if shape.classes:
        vector[shape.normals + (drawn if digit is None else digit)] = 1.0
    return vector


def digit_of(shape: Latent, seed: int) -> int | None:
    """Return the class that `latent` takes for this seed when none is asked for; None without classes."""
    return _draw_class(_stream(seed), shape) if shape.classes else None


def _stream(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def _draw_class(stream: np.random.Generator, shape: Latent) -> int:
    # Always drawn, and drawn first: asking for a digit must not shift the normals.
    return int(stream.integers(max(shape.classes, 1)))


def walk(points: NDArray[np.float32], normals: int, steps: int) -> NDArray[np.float32]:
    """Visit points (p, size); return the path, ((p - 1) * (steps - 1) + 1, size), both ends included.

    The first `normals` values move on a great circle: the direction turns evenly and the length changes
    evenly, so that every point of the path is as likely a latent as its ends. The rest, the one-hot class,
    is mixed linearly. The points themselves come out bit for bit.
    """
    path = [points[0]]
    for start, end in pairwise(points):
        path += [_between(start, end, normals, step / (steps - 1)) for step in range(1, steps - 1)]
        path.append(end)
    return np.stack(path)


def _between(
    start: NDArray[np.float32], end: NDArray[np.float32], normals: int, share: float
) -> NDArray[np.float32]:
    first, second = start.astype(np.float64), end.astype(np.float64)
    turned = _turn(first[:normals], second[:normals], share)
    mixed = (1 - share) * first[normals:] + share * second[normals:]
    return np.concatenate([turned, mixed]).astype(np.float32)


def _turn(start: Floats, end: Floats, share: float) -> Floats:
    """Return the vector at this share of the arc: spherical interpolation (Shoemake 1985), any lengths."""
    lengths = _length(start), _length(end)
    length = (1 - share) * lengths[0] + share * lengths[1]
    if not any(lengths):
        return np.zeros_like(start)
    # The origin has no direction: from there the path is straight.
    heading = start / lengths[0] if lengths[0] else end / lengths[1]
    target = end / lengths[1] if lengths[1] else heading
    along = _dot(heading, target)
    aside = target - along * heading
    angle = atan2(_length(aside), along)
    return length * (cos(share * angle) * heading + sin(share * angle) * _sideways(heading, aside))


def _sideways(heading: Floats, aside: Floats) -> Floats:
    """Return the unit vector toward which to turn; between opposite points always the same one."""
    length = _length(aside)
    if length > 1e-6:
        return aside / length
    across = np.zeros_like(heading)
    pairs = len(heading) // 2 * 2
    across[0:pairs:2], across[1:pairs:2] = -heading[1:pairs:2], heading[0:pairs:2]
    return across


def _dot(first: Floats, second: Floats) -> float:
    return fsum((first * second).tolist())  # exact, so that it is the same on every processor


def _length(vector: Floats) -> float:
    return sqrt(_dot(vector, vector))
