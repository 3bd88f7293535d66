"""Pictures on their way from a model to storage."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from shared.specs.parts import Upscale
from worker.codec.animation import Frame

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Pixels, and what is written into the file beside them."""

    pixels: Pixels  # (h, w, 1) or (h, w, 3)
    alpha: Pixels | None = None  # (h, w)
    seed: int | None = None
    text: dict[str, str] = field(default_factory=dict)  # goes into PNG files
    # Done when it is encoded: a job's pictures are never all large at once.
    upscale: Upscale = field(default_factory=Upscale)


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """Pictures that become one animated file."""

    frames: tuple[Frame, ...]
    loop: bool = True  # for ever, or once
    seed: int | None = None
