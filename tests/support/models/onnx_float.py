"""Runs the wheel's ONNX graphs in onnxruntime, as shipped and in float: the reference for the rebuild."""

from pathlib import Path

import onnx
import onnxruntime

MOST_CHANNELS = 100  # of an input or output; a longer dimension is a picture's side


def quantized_session(path: Path) -> onnxruntime.InferenceSession:
    """The graph as shipped: int8 weights and int8 activations."""
    return _session(onnx.load(str(path)))


def float_session(path: Path, *, threads: int = 1, any_size: bool = False) -> onnxruntime.InferenceSession:
    """The same graph with its weights dequantized and no rounding of activations.

    any_size: also for pictures of other sizes than the graph names.
    """
    model = onnx.load(str(path))
    constants = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        rounds = node.op_type == "QuantizeLinear"
        if rounds or (node.op_type == "DequantizeLinear" and node.input[0] not in constants):
            node.op_type = "Identity"
            del node.input[1:]
            del node.attribute[:]
    del model.graph.value_info[:]
    if any_size:
        _free_sides(model.graph)
    return _session(model, threads)


def _free_sides(graph: onnx.GraphProto) -> None:
    for value in (*graph.input, *graph.output):
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_value > MOST_CHANNELS:
                dimension.dim_param = f"any_{dimension.dim_value}"


def _session(model: onnx.ModelProto, threads: int = 1) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # the quantization constants are left unused, one warning each
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
