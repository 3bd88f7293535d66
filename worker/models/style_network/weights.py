"""What a stylization transformer consists of, as float32 arrays: every builder of one starts here.

The networks of Dumoulin et al. 2017 (arXiv:1610.07629) and Ghiasi et al. 2017 (arXiv:1705.06830) have one
shape: three contracting convolutions, residual blocks, three expanding convolutions. The style acts only
through the instance norms, whose scale and shift are linear in the style vector.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

GRID = 4  # the networks halve twice, so they work on sides that are multiples of this
EPSILON = 1e-5  # added to the variance by every instance norm


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A linear map from a style vector to one number a channel."""

    matrix: Array  # (style size, channels)
    bias: Array  # (channels,)


@dataclass(frozen=True, slots=True, eq=False)
class StyleNorm:
    """An instance norm whose scale and shift come from the style vector."""

    scale: Head
    shift: Head


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A convolution with reflected borders, then either a norm in the style or a plain bias."""

    kernel: Array  # (h, w, in, out)
    after: StyleNorm | Array  # the array is the bias, (out,)


@dataclass(frozen=True, slots=True, eq=False)
class TransformerWeights:
    """The whole network; ReLU ends every layer but a block's second and the last, which ends in a sigmoid."""

    contract: tuple[Layer, Layer, Layer]  # strides 1, 2, 2; all with a bias or all with a norm
    residual: tuple[tuple[Layer, Layer], ...]
    expand: tuple[Layer, Layer, Layer]  # the first two enlarge twice, nearest, before they convolve

    def norms(self) -> Iterator[StyleNorm]:
        """Yield the norms from the first layer to the last."""
        blocks = [layer for block in self.residual for layer in block]
        for layer in (*self.contract, *blocks, *self.expand):
            if isinstance(layer.after, StyleNorm):
                yield layer.after

    @property
    def style_size(self) -> int:
        """Length of a style vector."""
        return len(next(self.norms()).scale.matrix)
