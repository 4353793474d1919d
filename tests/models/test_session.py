import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from models.abort import Abort
from models.errors import AbortedError, PackError
from models.session import Session, session_options
from tests.models.endless import write_endless_network

ADDITIONS = 5_000_000


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


@pytest.fixture
def endless(tmp_path: Path) -> Session:
    """A network that adds one to x for many seconds; not for ever, so that what does not end it fails, not hangs."""
    file = tmp_path / "endless.onnx"
    write_endless_network(file, additions=ADDITIONS)
    return Session(file)


def test_another_thread_ends_a_run_that_does_not_end(endless: Session) -> None:
    abort = Abort()
    Timer(0.05, abort.set).start()
    with abort, pytest.raises(AbortedError):
        endless.run({"x": np.zeros(1, np.float32)})


def test_a_run_under_an_abort_that_was_set_does_not_begin(endless: Session) -> None:
    abort = Abort()
    abort.set()
    with abort, pytest.raises(AbortedError):
        endless.run({"x": np.zeros(1, np.float32)})


def test_a_run_under_an_abort_gives_what_it_gives_without(doubling: Session) -> None:
    with Abort():
        outputs = doubling.run({"x": np.array([1, 2], np.float32)})
    assert {name: values.tolist() for name, values in outputs.items()} == {"y": [2, 4], "z": [-1, -2]}


def test_what_onnxruntime_refuses_is_not_taken_for_an_abort(doubling: Session) -> None:
    with Abort(), pytest.raises(Exception, match="INVALID_ARGUMENT") as refused:
        doubling.run({"x": np.zeros((1, 1), np.float32)})
    assert not isinstance(refused.value, AbortedError)


def test_all_but_run_is_onnxruntimes_own(doubling: Session) -> None:
    assert doubling.runtime.get_providers() == ["CPUExecutionProvider"]


def test_the_runtime_writes_nothing_about_its_use(tmp_path: Path) -> None:
    code = "from models.session import session_options; session_options()"
    environment = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert list(tmp_path.rglob("*")) == []
