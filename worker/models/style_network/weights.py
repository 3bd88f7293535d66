"""The weights of a stylization transformer as float32 arrays, and their file beside a SavedModel.

The networks of Dumoulin et al. 2017 (arXiv:1610.07629) and Ghiasi et al. 2017 (arXiv:1705.06830) have one
shape: three contracting convolutions, residual blocks, three expanding convolutions. The style acts only
through the instance norms, whose scale and shift are linear in the style vector. The file serves for painting
large pictures, layer by layer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from shared.errors import ModelCorrupt

Array = npt.NDArray[np.float32]

TRANSFORMER_FILE = "transformer.npz"
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


def write_transformer(weights: TransformerWeights, folder: Path) -> None:
    """Write the file into a model's folder. Equal weights give equal bytes."""
    arrays: dict[str, Array] = {}
    for name, layer in _named(weights):
        arrays[f"{name}/kernel"] = layer.kernel
        arrays |= {f"{name}/{key}": array for key, array in _after(layer)}
    np.savez_compressed(folder / TRANSFORMER_FILE, allow_pickle=False, **arrays)


def read_transformer(folder: Path) -> TransformerWeights | None:
    """Read the file of a model's folder; None where there is none, ModelCorrupt where it is no such file."""
    path = folder / TRANSFORMER_FILE
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            return _weights(dict(file))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ModelCorrupt(f"{TRANSFORMER_FILE} cannot be read", inside=f"{path}: {error!r}") from error


def _named(weights: TransformerWeights) -> Iterator[tuple[str, Layer]]:
    for part, layers in (("contract", weights.contract), ("expand", weights.expand)):
        yield from ((f"{part}{number}", layer) for number, layer in enumerate(layers))
    for number, (one, two) in enumerate(weights.residual):
        yield f"residual{number}/one", one
        yield f"residual{number}/two", two


def _after(layer: Layer) -> Iterator[tuple[str, Array]]:
    if not isinstance(layer.after, StyleNorm):
        yield "bias", layer.after
        return
    for name, head in (("scale", layer.after.scale), ("shift", layer.after.shift)):
        yield f"{name}/matrix", head.matrix
        yield f"{name}/bias", head.bias


def _weights(arrays: dict[str, Array]) -> TransformerWeights:
    blocks = sum(name.startswith("residual") and name.endswith("one/kernel") for name in arrays)
    contract, expand = (
        (_layer(arrays, f"{part}0"), _layer(arrays, f"{part}1"), _layer(arrays, f"{part}2"))
        for part in ("contract", "expand")
    )
    residual = tuple(
        (_layer(arrays, f"residual{number}/one"), _layer(arrays, f"residual{number}/two"))
        for number in range(blocks)
    )
    return TransformerWeights(contract=contract, residual=residual, expand=expand)


def _layer(arrays: dict[str, Array], name: str) -> Layer:
    kernel, bias = arrays[f"{name}/kernel"], arrays.get(f"{name}/bias")
    if bias is not None:
        return Layer(kernel, bias)
    scale, shift = (
        Head(arrays[f"{name}/{part}/matrix"], arrays[f"{name}/{part}/bias"]) for part in ("scale", "shift")
    )
    return Layer(kernel, StyleNorm(scale=scale, shift=shift))
