"""Pictures as the networks take them: float32 (h, w, 3) in 0..1; real photos, and noise."""

import numpy as np
import numpy.typing as npt
from skimage import data
from skimage.transform import resize

Picture = npt.NDArray[np.float32]


def photo(name: str, height: int, width: int) -> Picture:
    """One of the photos that the wheel carries: astronaut, coffee, chelsea, rocket."""
    pixels = getattr(data, name)()
    return resize(pixels, (height, width), anti_aliasing=True).astype(np.float32)


def noise(height: int, width: int, seed: int = 0) -> Picture:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)
