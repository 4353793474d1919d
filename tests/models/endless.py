"""A network whose run does not end: what nobody would ship, and what a deadline is for."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper


def write_endless_network(file: Path, *, additions: int | None = None) -> None:
    """It adds one to its input `x`, float32 (n,), for ever or so many times."""
    times = () if additions is None else (helper.make_tensor("times", TensorProto.INT64, [], [additions]),)
    steps = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["goes"]), helper.make_node("Add", ["v", "one"], ["w"])],
        "steps",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("goes", TensorProto.BOOL, []),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, None),
        ],
        [helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["times" if times else "", "always", "x"], ["y"], body=steps)],
        "endless",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [helper.make_tensor("always", TensorProto.BOOL, [], [True]), *times],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), file)
