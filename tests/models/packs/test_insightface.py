"""InsightFace's networks may not be shipped; a tiny one with the inputs and outputs of an SCRFD stands in."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.abort import Abort
from models.errors import AbortedError, PackError
from models.packs import Pack, load_pack
from models.types import Picture
from models.vision.detect import DetectionSettings, InsightFaceDetector, YuNetDetector

SIDE_PX = 640
ROW, COLUMN, STRIDE_PX = 20, 30, 8
DISTANCES = [2.0, 3.0, 4.0, 5.0]  # left, top, right, bottom of the anchor, in strides
LANDMARKS = np.array([[-1, -1], [1, -1], [0, 0], [-1, 1], [1, 1]], np.float32)
SCORE = 0.875


def scrfd(*, landmarks: bool = True) -> onnx.ModelProto:
    """Nine outputs, as SCRFD has (six without landmarks): scores, boxes, landmarks at three strides, two anchors."""
    nodes, constants, outputs = [], [], []
    for kind, depth in (("score", 1), ("bbox", 4), ("kps", 10))[: 3 if landmarks else 2]:
        for stride in (8, 16, 32):
            values = np.zeros((2 * (SIDE_PX // stride) ** 2, depth), np.float32)
            if stride == STRIDE_PX:
                anchor = 2 * (ROW * (SIDE_PX // stride) + COLUMN)
                values[anchor] = {"score": [SCORE], "bbox": DISTANCES, "kps": LANDMARKS.ravel()}[kind]
            name = f"{kind}_{stride}"
            constants.append(numpy_helper.from_array(values, f"{name}_values"))
            nodes.append(helper.make_node("Identity", [f"{name}_values"], [name]))
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", depth]))
    picture = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, "height", "width"])
    graph = helper.make_graph(nodes, "scrfd", [picture], outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


@pytest.fixture
def directory(tmp_path: Path, sface_file: Path) -> Path:
    """A pack in InsightFace's layout: SFace as its recogniser, the stand-in as its detector."""
    directory = tmp_path / "my_pack"
    directory.mkdir()
    shutil.copy(sface_file, directory / "w600k.onnx")
    onnx.save(scrfd(), directory / "det_500m.onnx")
    return directory


def load(directory: Path, cache_dir: Path) -> Pack:
    return load_pack(f"insightface:{directory}", cache_dir)


def test_a_directory_in_insightfaces_layout_loads(directory: Path, cache_dir: Path) -> None:
    pack = load(directory, cache_dir)
    assert set(pack.files) == {"det_500m.onnx", "w600k.onnx"}
    assert pack.embedding_size == 128
    assert pack.detector_name == f"det_500m-{pack.files['det_500m.onnx'][:12]}"
    assert pack.model_version == f"w600k-{pack.files['w600k.onnx'][:12]}"
    assert (pack.impostor_mean, pack.impostor_deviation) == (0.10, 0.11)


def test_its_licence_is_told(directory: Path, cache_dir: Path) -> None:
    pack = load(directory, cache_dir)
    assert not pack.commercial_use
    assert pack.licence_notice is not None
    assert "non-commercial research only" in pack.licence_notice


def test_its_detector_finds_the_known_face(directory: Path, cache_dir: Path) -> None:
    detector = load(directory, cache_dir).detector()
    assert isinstance(detector, InsightFaceDetector)
    found = detector.detect(Picture(np.zeros((720, 1280, 3), np.uint8), "image/png"))
    scale = 2  # the picture is scaled to half for a canvas of 640 x 640
    centre = np.array([COLUMN, ROW], np.float32) * STRIDE_PX * scale
    left_top, right_bottom = (np.array(DISTANCES).reshape(2, 2) * STRIDE_PX * scale * [[-1], [1]])[:]
    np.testing.assert_allclose(found.boxes_xyxy_px, [[*(centre + left_top), *(centre + right_bottom)]])
    np.testing.assert_allclose(found.landmarks_xy_px, [centre + LANDMARKS * STRIDE_PX * scale])
    np.testing.assert_allclose(found.scores, [SCORE])


def test_its_settings_reach_insightface(directory: Path, cache_dir: Path) -> None:
    detector = load(directory, cache_dir).detector(DetectionSettings(min_score=0.9))
    assert len(detector.detect(Picture(np.zeros((640, 640, 3), np.uint8), "image/png"))) == 0


def test_its_encoder_is_the_same_network_as_in_the_default_pack(
    directory: Path, cache_dir: Path, pack: Pack, six_people: Picture
) -> None:
    landmarks = pack.detector().detect(six_people).landmarks_xy_px
    ours = load(directory, cache_dir).encoder().encode(six_people, landmarks)
    np.testing.assert_allclose(ours, pack.encoder().encode(six_people, landmarks), atol=1e-6)


@pytest.mark.parametrize("published", [True, False], ids=["as published", "prepared"])
def test_a_directory_of_the_opencv_zoos_networks_works_whole(
    published: bool, tmp_path: Path, cache_dir: Path, published_dir: Path, yunet_file: Path, sface_file: Path,
    pack: Pack, six_people: Picture,
) -> None:  # fmt: skip
    for file in published_dir.glob("*.onnx") if published else (yunet_file, sface_file):
        shutil.copy(file, tmp_path)
    directory_pack = load(tmp_path, cache_dir)
    detector = directory_pack.detector()
    assert isinstance(detector, YuNetDetector)
    found, expected = detector.detect(six_people), pack.detector().detect(six_people)
    np.testing.assert_array_equal(found.boxes_xyxy_px, expected.boxes_xyxy_px)
    assert (directory_pack.model_version == pack.model_version) == published


def test_files_for_other_tasks_are_passed_over(directory: Path, cache_dir: Path) -> None:
    picture = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 192, 192])
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 192, 192])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "landmarks", [picture], [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, directory / "2d106det.onnx")
    onnx.save(scrfd(landmarks=False), directory / "a_detector_without_landmarks.onnx")
    assert set(load(directory, cache_dir).files) == {"det_500m.onnx", "w600k.onnx"}


@pytest.mark.parametrize(
    ("missing", "message"),
    [("det_500m.onnx", "expected a face detector with landmarks, found only w600k.onnx"),
     ("w600k.onnx", "expected a face encoder, found only det_500m.onnx")],
)  # fmt: skip
def test_what_a_directory_lacks_is_said(directory: Path, cache_dir: Path, missing: str, message: str) -> None:
    (directory / missing).unlink()
    with pytest.raises(PackError, match=message):
        load(directory, cache_dir)


def test_a_directory_without_networks_is_refused(tmp_path: Path, cache_dir: Path) -> None:
    with pytest.raises(PackError, match=r"expected InsightFace's \*\.onnx files, found none"):
        load(tmp_path, cache_dir)


def test_a_directory_that_is_not_there_is_never_taken_for_a_name(tmp_path: Path, cache_dir: Path) -> None:
    with pytest.raises(PackError, match="a directory of InsightFace's"):
        load(tmp_path / "absent", cache_dir)


def test_a_broken_network_is_named(directory: Path, cache_dir: Path) -> None:
    (directory / "det_500m.onnx").write_bytes(b"<html>")
    with pytest.raises(PackError, match=r"det_500m\.onnx: not an ONNX network"):
        load(directory, cache_dir)


@pytest.mark.parametrize("nested", [False, True])
def test_a_name_is_downloaded_once_into_the_cache(
    nested: bool, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, str, str]] = []

    def download(kind: str, name: str, root: str) -> str:
        asked.append((kind, name, root))
        print("download_path:", root)
        target = tmp_path / "downloaded"
        shutil.copytree(directory, target / name if nested else target)
        return str(target)

    monkeypatch.setattr("insightface.utils.ensure_available", download)
    pack = load_pack("insightface:buffalo_l", tmp_path / "cache")
    assert asked == [("models", "buffalo_l", str(tmp_path / "cache" / "insightface"))]
    assert pack.name == "insightface:buffalo_l"
    assert set(pack.files) == {"det_500m.onnx", "w600k.onnx"}
    assert capsys.readouterr().out == ""


def test_a_failed_download_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> str:
        raise RuntimeError("404")

    monkeypatch.setattr("insightface.utils.ensure_available", refuse)
    with pytest.raises(PackError, match="'buffalo_x' could not be downloaded: 404"):
        load_pack("insightface:buffalo_x", tmp_path)


def test_what_runs_in_insightfaces_own_code_can_be_told_to_end(directory: Path, cache_dir: Path) -> None:
    pack = load(directory, cache_dir)
    detector, encoder = pack.detector(), pack.encoder()
    picture = Picture(np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8), "image/png")
    with Abort() as abort:
        abort.set()
        with pytest.raises(AbortedError):
            detector.detect(picture)
        with pytest.raises(AbortedError):
            encoder.encode(picture, LANDMARKS[None] + np.float32(100))
