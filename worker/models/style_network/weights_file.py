"""The file beside a SavedModel that holds its transformer layer by layer, for painting large pictures."""

from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from shared.errors import ModelCorrupt
from worker.models.style_network.weights import Array, Head, Layer, StyleNorm, TransformerWeights

TRANSFORMER_FILE = "transformer.npz"


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
        raise ModelCorrupt(f"{path} cannot be read: {error!r}") from error


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
