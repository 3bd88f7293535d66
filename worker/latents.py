"""The generator's input vectors, drawn from a picture's own seed. Needs NumPy alone."""

import numpy as np
from numpy.typing import NDArray

from shared.cards import Latent


def latent(shape: Latent, seed: int, digit: int | None, truncation: float) -> NDArray[np.float32]:
    """Return the vector of one picture: `normals` values of N(0, truncation^2), then a one-hot class.

    The seed (0 <= seed < 2**53) alone fixes the normals, so the same seed with another digit is the same
    hand writing something else. Truncation scales the normals: below 1 the pictures come nearer to the
    typical one, with more legible and less varied digits. With `digit` None the class comes from the seed
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
