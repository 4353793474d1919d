from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from models.packs.opencv_zoo import SFACE, YUNET
from models.packs.preparation import (
    drop_unused,
    fold_batch_normalization,
    fold_dequantized_weights,
    free_dimensions,
    rewrite_prelu,
)
from models.session import Session
from models.types import Float32, Picture
from models.vision.detect import Detector
from models.vision.encode import aligned_crops


def run(model: ModelProto, inputs: Float32, directory: Path) -> Float32:
    file = directory / "network.onnx"
    onnx.save(model, file)
    session = Session(file)
    return session.run({session.input_names[0]: inputs})[session.output_names[0]]


def operators(file: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(file).graph.node)


@pytest.fixture(scope="module")
def real_faces(six_people: Picture, detector: Detector) -> Float32:
    """Six aligned faces as SFace reads them: RGB, 0 to 255."""
    crops = aligned_crops(six_people, detector.detect(six_people).landmarks_xy_px, 112)
    return np.stack(crops)[:, :, :, ::-1].transpose(0, 3, 1, 2).astype(np.float32)


def test_the_encoder_equals_its_unrewritten_graph_on_real_faces(
    sface_file: Path, published_dir: Path, real_faces: Float32, tmp_path: Path
) -> None:
    plain = onnx.load(published_dir / SFACE.file_name)
    fold_dequantized_weights(plain.graph)
    drop_unused(plain.graph)
    free_dimensions(plain.graph, input_axes={0: "batch"}, output_axes={0: "batch"})
    expected = run(plain, real_faces, tmp_path)
    found = Session(sface_file).run({"data": real_faces})["fc1"]
    assert np.linalg.norm(expected, axis=1).min() > 3
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_prepared_encoder_has_no_slow_operator_left(sface_file: Path) -> None:
    onnx.checker.check_model(str(sface_file))
    count = operators(sface_file)
    assert count["PRelu"] == 0
    assert count["DequantizeLinear"] == 0
    assert count["Relu"] == 27
    assert count["BatchNormalization"] == 2, "the two that follow no convolution"


def test_the_prepared_encoder_takes_one_input_and_any_batch(sface_file: Path) -> None:
    session = Session(sface_file)
    assert session.input_names == ("data",)
    for batch in (1, 3):
        assert session.run({"data": np.zeros((batch, 3, 112, 112), np.float32)})["fc1"].shape == (batch, 128)


def test_the_detector_equals_its_published_file(yunet_file: Path, published_dir: Path, six_people: Picture) -> None:
    """Run by OpenCV, since onnxruntime refuses the published file's blocks."""
    pixels = cv2.resize(six_people.pixels_bgr, (640, 480))
    expected, found = (
        cv2.FaceDetectorYN.create(str(file), "", (640, 480), 0.6).detect(pixels)[1]
        for file in (published_dir / YUNET.file_name, yunet_file)
    )
    assert len(expected) == 6
    np.testing.assert_allclose(found, expected, atol=1e-2)


def test_the_prepared_detector_takes_any_sides_and_batch(yunet_file: Path) -> None:
    onnx.checker.check_model(str(yunet_file))
    assert operators(yunet_file)["DequantizeLinear"] == 0
    outputs = Session(yunet_file).run({"input": np.zeros((2, 3, 96, 160), np.float32)})
    assert outputs["cls_8"].shape == (2, 12 * 20, 1)
    assert outputs["kps_32"].shape == (2, 3 * 5, 10)


def network(nodes: list[onnx.NodeProto], constants: dict[str, Float32], channels: int) -> ModelProto:
    shape = [1, channels, 5, 5]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


@pytest.mark.parametrize("slopes", [[0.25, -0.5, 1.0], [0.25, -0.5, 1.5]], ids=["up to one", "beyond one"])
def test_prelu_is_rewritten_for_any_slope(slopes: list[float], tmp_path: Path) -> None:
    slope = np.array(slopes, np.float32).reshape(3, 1, 1)
    model = network([helper.make_node("PRelu", ["x", "a"], ["y"])], {"a": slope}, 3)
    values = np.random.default_rng(6).normal(size=(1, 3, 5, 5)).astype(np.float32)
    rewrite_prelu(model.graph)
    assert "PRelu" not in {node.op_type for node in model.graph.node}
    np.testing.assert_allclose(run(model, values, tmp_path), np.where(values > 0, values, slope * values), atol=1e-6)


def normalized_convolution(*, bias: bool) -> ModelProto:
    random = np.random.default_rng(7)
    constants = {
        "w": random.normal(size=(4, 3, 3, 3)),
        "b": random.normal(size=4),
        "gamma": random.normal(size=4),
        "beta": random.normal(size=4),
        "mean": random.normal(size=4),
        "variance": random.uniform(0.5, 2, 4),
    }
    return network(
        [
            helper.make_node("Conv", ["x", "w", "b"] if bias else ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("BatchNormalization", ["c", "gamma", "beta", "mean", "variance"], ["y"], epsilon=1e-3),
        ],
        {name: values.astype(np.float32) for name, values in constants.items()},
        3,
    )


@pytest.mark.parametrize("bias", [True, False])
def test_normalization_is_folded_into_its_convolution(bias: bool, tmp_path: Path) -> None:
    model = normalized_convolution(bias=bias)
    values = np.random.default_rng(8).normal(size=(1, 3, 5, 5)).astype(np.float32)
    expected = run(model, values, tmp_path)
    fold_batch_normalization(model.graph)
    drop_unused(model.graph)
    assert [node.op_type for node in model.graph.node] == ["Conv"]
    assert len(model.graph.initializer) == 2
    np.testing.assert_allclose(run(model, values, tmp_path), expected, atol=1e-5)


def test_a_convolution_that_others_read_keeps_its_normalization(tmp_path: Path) -> None:
    model = normalized_convolution(bias=True)
    model.graph.node.append(helper.make_node("Relu", ["c"], ["z"]))
    fold_batch_normalization(model.graph)
    assert [node.op_type for node in model.graph.node] == ["Conv", "BatchNormalization", "Relu"]


@pytest.mark.parametrize(
    ("scales", "attributes", "expected"),
    [
        (np.array([[2.0, 3.0], [4.0, 5.0]]), {"axis": 1, "block_size": 2}, [[2, 2, 6], [16, 20, 30]]),
        (np.array([2.0, 3.0]), {"axis": 0}, [[2, 2, 4], [12, 15, 18]]),
        (np.array(2.0), {}, [[2, 2, 4], [8, 10, 12]]),
    ],
    ids=["blocks, the last one short", "an axis", "one for all"],
)
def test_quantized_weights_are_folded(scales: Float32, attributes: dict[str, int], expected: list[list[float]]) -> None:
    quantized = np.array([[2, 2, 3], [5, 6, 7]], np.int8)
    model = network([helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], **attributes)], {}, 1)
    model.graph.node.append(helper.make_node("Reshape", ["d", "shape"], ["r"]))
    model.graph.node.append(helper.make_node("Conv", ["x", "r"], ["y"]))
    for name, values in (
        ("q", quantized),
        ("s", scales.astype(np.float32)),
        ("z", np.ones(scales.shape, np.int8)),
        ("shape", np.array([1, 1, 2, 3], np.int64)),
    ):
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    fold_dequantized_weights(model.graph)
    drop_unused(model.graph)
    assert [node.op_type for node in model.graph.node] == ["Conv"]
    (weight,) = model.graph.initializer
    np.testing.assert_allclose(numpy_helper.to_array(weight), [[expected]])
