"""Runs a generator on batches of one fixed size, so that a picture is the same in any company."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Latents = NDArray[np.float32]  # (n, latent size)
Pictures = NDArray[np.uint8]  # (n, height, width, channels)


def in_micro_batches(
    draw: Callable[[Latents], Pictures], latents: Latents, *, size: int, picture_shape: tuple[int, int, int]
) -> Pictures:
    """Draw any number of latents, also none, `size` at a time; what is missing in a batch is zeros.

    Kernels sum in another order for another batch size, and then now and then a pixel moves by one level.
    """
    starts = range(0, len(latents), size)
    parts = [_padded(draw, latents[start : start + size], size) for start in starts]
    return np.concatenate([np.empty((0, *picture_shape), np.uint8), *parts])


def _padded(draw: Callable[[Latents], Pictures], latents: Latents, size: int) -> Pictures:
    batch = np.zeros((size, latents.shape[1]), np.float32)
    batch[: len(latents)] = latents
    return draw(batch)[: len(latents)]
