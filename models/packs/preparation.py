"""Turns the published networks into ones that onnxruntime runs, and runs fast, with the same numbers.

Every function edits the graph it is given in place. The published files hold their weights as int8
blocks, list weights as inputs and fix the batch to one; see `prepare_encoder` and `prepare_detector`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

Array = NDArray[Any]

PREPARATION_VERSION = 1
"""Raise it with every change of what the functions below write: files prepared before are then not used."""


def prepare_encoder(model: ModelProto) -> ModelProto:
    """Make a face encoder plain float32, free in its batch, and without PRelu.

    Of SFace's time on onnxruntime's CPU provider two thirds go into PRelu, which also keeps the convolutions
    out of the blocked layout. Convolution, Relu and Add are fused there.
    """
    fold_dequantized_weights(model.graph)
    fold_batch_normalization(model.graph)
    rewrite_prelu(model.graph)
    drop_unused(model.graph)
    free_dimensions(model.graph, input_axes={0: "batch"}, output_axes={0: "batch"})
    return model


def prepare_detector(model: ModelProto) -> ModelProto:
    """Make YuNet plain float32 and free in batch, height and width (both sides multiples of 32)."""
    fold_dequantized_weights(model.graph)
    free_reshaped_batch(model.graph)
    drop_unused(model.graph)
    free_dimensions(
        model.graph,
        input_axes={0: "batch", 2: "height", 3: "width"},
        output_axes={0: "batch", 1: None},
    )
    return model


def fold_dequantized_weights(graph: GraphProto) -> None:
    """Replace each DequantizeLinear of a constant, and the Reshape behind it, by a float32 initializer."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in list(graph.node):
        if not all(name in constants for name in node.input):
            continue
        values = [numpy_helper.to_array(constants[name]) for name in node.input]
        if node.op_type == "DequantizeLinear":
            folded = _dequantize(node, *values)
        elif node.op_type == "Reshape":
            folded = values[0].reshape(values[1].tolist())
        else:
            continue
        constants[node.output[0]] = _add_constant(graph, node.output[0], folded)
        graph.node.remove(node)


def _dequantize(node: NodeProto, quantized: Array, scales: Array, zero_points: Array) -> Array:
    """(quantized - zero point) x scale, one scale for each block along an axis: ONNX DequantizeLinear, opset 21."""
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    axis, block = attributes.get("axis", 1), attributes.get("block_size", 0)
    if block:
        length = quantized.shape[axis]
        scales, zero_points = (
            np.repeat(blocks, block, axis).take(range(length), axis) for blocks in (scales, zero_points)
        )
    elif scales.ndim == 1:
        along_axis = [-1 if dimension == axis else 1 for dimension in range(quantized.ndim)]
        scales, zero_points = scales.reshape(along_axis), zero_points.reshape(along_axis)
    return (quantized.astype(np.float32) - zero_points.astype(np.float32)) * scales.astype(np.float32)


def fold_batch_normalization(graph: GraphProto) -> None:
    """Fold each BatchNormalization whose input is a convolution of its own into that convolution."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    producers = {output: node for node in graph.node for output in node.output}
    for norm in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        convolution = producers.get(norm.input[0])
        if convolution is None or convolution.op_type != "Conv" or len(_consumers(graph, norm.input[0])) > 1:
            continue
        gamma, beta, mean, variance = (constants[name].astype(np.float64) for name in norm.input[1:5])
        epsilon = next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5)
        factor = gamma / np.sqrt(variance + epsilon)
        weight = constants[convolution.input[1]].astype(np.float64) * factor[:, None, None, None]
        bias = constants[convolution.input[2]].astype(np.float64) if len(convolution.input) > 2 else 0.0
        names = [f"{norm.output[0]}_folded_weight", f"{norm.output[0]}_folded_bias"]
        _add_constant(graph, names[0], weight.astype(np.float32))
        _add_constant(graph, names[1], ((bias - mean) * factor + beta).astype(np.float32))
        convolution.input[:] = [convolution.input[0], *names]
        convolution.output[:] = norm.output
        graph.node.remove(norm)


def rewrite_prelu(graph: GraphProto) -> None:
    """Write each PRelu with a slope for each channel as 1x1 depthwise convolutions, Relu and Add.

    With slope a, PRelu(x) = max(x, 0) + a min(x, 0) = (1 - a) max(x, 0) + a x. Where no slope exceeds 1 the factor
    (1 - a) may stand inside, as relu((1 - a) x) + a x, and onnxruntime fuses Relu into the convolution before it.
    """
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for prelu in [node for node in graph.node if node.op_type == "PRelu"]:
        slope = constants[prelu.input[1]].reshape(-1)
        nodes = _prelu_nodes(graph, prelu.input[0], prelu.output[0], slope)
        position = list(graph.node).index(prelu)
        graph.node.remove(prelu)
        for offset, node in enumerate(nodes):
            graph.node.insert(position + offset, node)


def _prelu_nodes(graph: GraphProto, source: str, target: str, slope: Array) -> list[NodeProto]:
    scaled = _depthwise(graph, source, f"{target}_scaled", slope)
    rest, positive = f"{target}_rest", f"{target}_positive"
    if (slope <= 1).all():
        rectified = [
            _depthwise(graph, source, rest, 1 - slope),
            helper.make_node("Relu", [rest], [positive], name=positive),
        ]
    else:
        rectified = [
            helper.make_node("Relu", [source], [rest], name=rest),
            _depthwise(graph, rest, positive, 1 - slope),
        ]
    return [*rectified, scaled, helper.make_node("Add", [scaled.output[0], positive], [target], name=target)]


def _depthwise(graph: GraphProto, source: str, target: str, factors: Array) -> NodeProto:
    """A 1x1 depthwise convolution that multiplies each channel by its factor."""
    weight = f"{target}_factors"
    _add_constant(graph, weight, factors.astype(np.float32).reshape(-1, 1, 1, 1))
    return helper.make_node(
        "Conv", [source, weight], [target], name=target, group=len(factors), kernel_shape=[1, 1], strides=[1, 1]
    )


def free_reshaped_batch(graph: GraphProto) -> None:
    """Let each Reshape to (1, -1, k) keep the batch it is given: in ONNX a 0 copies the dimension."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for name in {node.input[1] for node in graph.node if node.op_type == "Reshape"}:
        shape = numpy_helper.to_array(constants[name])
        if shape[0] == 1:
            constants[name].CopyFrom(numpy_helper.from_array(np.array([0, *shape[1:]], np.int64), name))


def drop_unused(graph: GraphProto) -> None:
    """Drop constants that nothing reads, weights that are listed as inputs, and shapes noted for one batch size."""
    read = {name for node in graph.node for name in node.input}
    _keep(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in read])
    constants = {tensor.name for tensor in graph.initializer}
    _keep(graph.input, [value for value in graph.input if value.name in read - constants])
    graph.ClearField("value_info")


def free_dimensions(graph: GraphProto, *, input_axes: dict[int, str], output_axes: dict[int, str | None]) -> None:
    """Name the given axes of every input and output instead of fixing them; None leaves an axis unnamed."""
    for values, axes in ((graph.input, input_axes), (graph.output, output_axes)):
        for value in values:
            for axis, name in axes.items():
                dimension = value.type.tensor_type.shape.dim[axis]
                dimension.Clear()
                if name is not None:
                    dimension.dim_param = name


def _consumers(graph: GraphProto, name: str) -> Sequence[NodeProto]:
    return [node for node in graph.node if name in node.input]


def _add_constant(graph: GraphProto, name: str, values: Array) -> onnx.TensorProto:
    tensor = numpy_helper.from_array(np.ascontiguousarray(values), name)
    graph.initializer.append(tensor)
    return tensor


def _keep(field: Any, items: Iterable[Any]) -> None:
    """Replace a repeated protobuf field's content."""
    kept = list(items)
    del field[:]
    field.extend(kept)
