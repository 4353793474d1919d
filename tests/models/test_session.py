from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from models.errors import PackError
from models.session import Session, session_options


@pytest.fixture
def doubling(tmp_path: Path) -> Session:
    """y = x + x, z = -x."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xyz"]
    nodes = [helper.make_node("Add", ["x", "x"], ["y"]), helper.make_node("Neg", ["x"], ["z"])]
    graph = helper.make_graph(nodes, "doubling", values[:1], values[1:])
    file = tmp_path / "doubling.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), file)
    return Session(file)


def test_outputs_come_by_name(doubling: Session) -> None:
    assert doubling.input_names == ("x",)
    assert doubling.output_names == ("y", "z")
    outputs = doubling.run({"x": np.array([1, 2], np.float32)})
    assert {name: values.tolist() for name, values in outputs.items()} == {"y": [2, 4], "z": [-1, -2]}


def test_a_call_uses_one_thread() -> None:
    options = session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


def test_threads_may_share_a_session(doubling: Session) -> None:
    inputs = [np.full(1000, number, np.float32) for number in range(200)]
    with ThreadPoolExecutor(8) as threads:
        outputs = list(threads.map(lambda values: doubling.run({"x": values})["y"], inputs))
    assert all((values == 2 * number).all() for number, values in enumerate(outputs))


def test_a_file_that_is_no_network_is_named(tmp_path: Path) -> None:
    file = tmp_path / "broken.onnx"
    file.write_bytes(b"nothing")
    with pytest.raises(PackError, match=r"broken\.onnx: onnxruntime cannot load this network"):
        Session(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"gone\.onnx"):
        Session(tmp_path / "gone.onnx")
