from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from models.packs import Pack
from models.types import Detections, Float32, Picture
from models.vision.detect import (
    DetectionSettings,
    Detector,
    InsightFaceDetector,
    YuNetDetector,
    letterbox,
)


def iou_matrix(first_xyxy: Float32, second_xyxy: Float32) -> Float32:
    left_top = np.maximum(first_xyxy[:, None, :2], second_xyxy[None, :, :2])
    right_bottom = np.minimum(first_xyxy[:, None, 2:], second_xyxy[None, :, 2:])
    shared = np.clip(right_bottom - left_top, 0, None).prod(axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first_xyxy, second_xyxy)]
    return shared / (areas[0][:, None] + areas[1][None] - shared)


def blank(width_px: int = 320, height_px: int = 240) -> Picture:
    return Picture(np.zeros((height_px, width_px, 3), np.uint8), "image/png")


@dataclass(frozen=True)
class Case:
    """A detector and a picture in which it must find so many faces."""

    detector: Detector
    picture: Picture
    faces: int


@pytest.fixture(params=["fake", "yunet"])
def case(request: pytest.FixtureRequest) -> Case:
    if request.param == "fake":
        return Case(request.getfixturevalue("fake_detector"), request.getfixturevalue("painted"), 2)
    return Case(request.getfixturevalue("detector"), request.getfixturevalue("six_people"), 6)


class TestContract:
    def test_finds_every_face_best_score_first(self, case: Case) -> None:
        found = case.detector.detect(case.picture)
        assert len(found) == case.faces
        assert (np.diff(found.scores) <= 0).all()
        assert ((found.scores > 0) & (found.scores <= 1)).all()

    def test_landmarks_lie_in_their_box_in_arcface_order(self, case: Case) -> None:
        found = case.detector.detect(case.picture)
        boxes, points = found.boxes_xyxy_px, found.landmarks_xy_px
        assert ((points >= boxes[:, None, :2]) & (points <= boxes[:, None, 2:])).all()
        right_eye, left_eye, nose, right_mouth, left_mouth = (points[:, index] for index in range(5))
        assert (right_eye[:, 0] < left_eye[:, 0]).all()
        assert (right_mouth[:, 0] < left_mouth[:, 0]).all()
        assert ((right_eye[:, 1] < nose[:, 1]) & (nose[:, 1] < left_mouth[:, 1])).all()

    def test_coordinates_are_those_of_the_picture_given(self, case: Case) -> None:
        doubled = Picture(np.ascontiguousarray(case.picture.pixels_bgr.repeat(2, 0).repeat(2, 1)), "image/png")
        once, twice = case.detector.detect(case.picture), case.detector.detect(doubled)
        best = iou_matrix(once.boxes_xyxy_px * 2, twice.boxes_xyxy_px).max(axis=1)
        assert len(twice) == case.faces
        assert (best > 0.85).all()

    def test_no_face_is_a_value(self, case: Case) -> None:
        assert len(case.detector.detect(blank())) == 0

    @pytest.mark.parametrize("size", [(1, 1), (1, 500), (3000, 2)])
    def test_any_size_will_do(self, case: Case, size: tuple[int, int]) -> None:
        assert len(case.detector.detect(blank(*size))) == 0

    def test_the_picture_is_left_alone_and_threads_may_share(self, case: Case) -> None:
        before = case.picture.pixels_bgr.copy()
        alone = case.detector.detect(case.picture)
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(case.detector.detect, [case.picture] * 4))
        assert all(np.array_equal(alone.landmarks_xy_px, found.landmarks_xy_px) for found in together)
        assert np.array_equal(case.picture.pixels_bgr, before)


class StubSession:
    """Outputs of YuNet's form on a canvas, all zero but for what is set."""

    input_names = ("input",)

    def __init__(self, height_px: int, width_px: int) -> None:
        self.outputs = {
            f"{kind}_{stride}": np.zeros((1, height_px // stride * (width_px // stride), depth), np.float32)
            for stride in (8, 16, 32)
            for kind, depth in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
        }

    def run(self, inputs: Any) -> dict[str, Float32]:
        return self.outputs


def stub_detector(session: StubSession, **settings: Any) -> YuNetDetector:
    return YuNetDetector(session, "stub", DetectionSettings(**settings))  # type: ignore[arg-type]  # stands in


def test_yunet_outputs_are_decoded_exactly() -> None:
    session = StubSession(192, 320)
    cell = 5 * (320 // 16) + 7  # row 5, column 7 at stride 16
    session.outputs["cls_16"][0, cell] = 0.81
    session.outputs["obj_16"][0, cell] = 1.0
    session.outputs["bbox_16"][0, cell] = (0.5, 0.25, np.log(4), np.log(2))
    session.outputs["kps_16"][0, cell] = np.arange(10) / 10
    found = stub_detector(session).detect(blank(320, 180))
    centre_x, centre_y = 7.5 * 16, 5.25 * 16
    np.testing.assert_allclose(
        found.boxes_xyxy_px, [[centre_x - 32, centre_y - 16, centre_x + 32, centre_y + 16]], rtol=1e-6
    )
    np.testing.assert_allclose(found.landmarks_xy_px, [(np.arange(10).reshape(5, 2) / 10 + (7, 5)) * 16], rtol=1e-6)
    np.testing.assert_allclose(found.scores, [0.9], rtol=1e-6)


def test_results_of_a_scaled_picture_are_scaled_back() -> None:
    session = StubSession(384, 640)
    for stride in (8, 16, 32):
        session.outputs[f"cls_{stride}"][0, 0] = session.outputs[f"obj_{stride}"][0, 0] = 1.0
    found = stub_detector(session).detect(blank(1280, 720))
    np.testing.assert_allclose(
        sorted(found.boxes_xyxy_px[:, 2].tolist()),
        [8.0, 16.0, 32.0],
        rtol=1e-6,
        err_msg="half a stride, twice as large",
    )


def test_of_faces_that_overlap_the_best_is_kept() -> None:
    session = StubSession(192, 320)
    for cell, score in ((100, 0.7), (101, 0.95), (300, 0.8)):
        session.outputs["cls_8"][0, cell] = session.outputs["obj_8"][0, cell] = score
        session.outputs["bbox_8"][0, cell, 2:] = np.log(5)
    found = stub_detector(session).detect(blank())
    np.testing.assert_allclose(found.scores, [0.95, 0.8], rtol=1e-6)


def test_a_crowd_is_capped_at_the_best() -> None:
    session = StubSession(640, 640)
    scores = np.linspace(0.7, 1, 6400, dtype=np.float32)
    session.outputs["cls_8"][0, :, 0] = session.outputs["obj_8"][0, :, 0] = scores
    session.outputs["bbox_8"][0, :, 2:] = np.log(0.9)
    found = stub_detector(session, max_faces=50).detect(blank(640, 640))
    np.testing.assert_allclose(found.scores, scores[::-1][:50], rtol=1e-6)


def test_agrees_with_opencvs_own_yunet_on_the_same_file(
    detector: Detector, six_people: Picture, yunet_file: Path
) -> None:
    width, height = 640, 480
    pixels = cv2.resize(six_people.pixels_bgr, (width, height))
    theirs = cv2.FaceDetectorYN.create(str(yunet_file), "", (width, height), 0.6, 0.3, 5000).detect(pixels)[1]
    ours = detector.detect(Picture(pixels, "image/jpeg"))
    assert len(ours) == len(theirs) == 6
    order = np.argsort(-theirs[:, 14])
    boxes = np.concatenate((theirs[order, :2], theirs[order, :2] + theirs[order, 2:4]), 1)
    np.testing.assert_allclose(ours.boxes_xyxy_px, boxes, atol=0.01)
    np.testing.assert_allclose(ours.landmarks_xy_px, theirs[order, 4:14].reshape(-1, 5, 2), atol=0.01)
    np.testing.assert_allclose(ours.scores, theirs[order, 14], atol=1e-5)


def test_a_face_that_fills_its_picture_is_found(detector: Detector, portrait: Picture) -> None:
    assert len(detector.detect(portrait)) == 1


def test_a_hundred_faces_are_found(pack: Pack, six_people: Picture) -> None:
    small = cv2.resize(six_people.pixels_bgr, (320, 220))
    crowd = Picture(np.ascontiguousarray(np.tile(small, (4, 4, 1))), "image/png")
    found = pack.detector(DetectionSettings(longest_side_px=1280)).detect(crowd)
    assert len(found) == 6 * 16


@pytest.mark.parametrize(
    ("picture_wh", "canvas_hw"),
    [
        ((1920, 1080), (384, 640)),
        ((1080, 1920), (640, 384)),
        ((640, 480), (480, 640)),
        ((1000, 1000), (640, 640)),
        ((320, 180), (192, 320)),
        ((321, 180), (384, 640)),
        ((112, 112), (128, 160)),
        ((30, 20), (96, 160)),
        ((9000, 10), (384, 640)),
    ],
)
def test_pictures_come_to_few_shapes(picture_wh: tuple[int, int], canvas_hw: tuple[int, int]) -> None:
    planes, scale = letterbox(blank(*picture_wh).pixels_bgr, 640)
    assert planes.shape == (1, 3, *canvas_hw)
    assert scale == min(1.0, 640 / max(picture_wh))


def test_pixels_keep_their_place_and_the_rest_is_zero() -> None:
    pixels = np.random.default_rng(2).integers(1, 256, (100, 150, 3), dtype=np.uint8)
    planes, _ = letterbox(pixels, 640)
    assert np.array_equal(planes[0, :, :100, :150].transpose(1, 2, 0), pixels)
    assert planes.sum() == pixels.sum()


@pytest.mark.parametrize("side", [0, 64, 600])
def test_a_side_that_makes_no_shapes_is_refused(side: int) -> None:
    with pytest.raises(ValueError, match="multiple of 128"):
        DetectionSettings(longest_side_px=side)


class StubScrfd:
    """Answers like InsightFace's detectors: boxes with scores, in any order, and landmarks."""

    def __init__(self, rows: list[list[float]]) -> None:
        self.rows = np.array(rows, np.float64).reshape(-1, 5)
        self.prepared: dict[str, Any] = {}

    def prepare(self, ctx_id: int, **options: Any) -> None:
        self.prepared = options

    def detect(self, pixels_bgr: Any) -> tuple[Any, Any]:
        return self.rows, np.arange(len(self.rows) * 10, dtype=np.float64).reshape(-1, 5, 2)


def test_insightfaces_answers_become_detections() -> None:
    network = StubScrfd([[1, 2, 3, 4, 0.7], [5, 6, 7, 8, 0.9], [0, 0, 1, 1, 0.65]])
    adapter = InsightFaceDetector(network, "scrfd", DetectionSettings(max_faces=2, min_score=0.65, max_overlap=0.25))
    found = adapter.detect(blank())
    assert network.prepared == {"input_size": (640, 640), "det_thresh": 0.65, "nms_thresh": 0.25}
    np.testing.assert_array_equal(found.boxes_xyxy_px, [[5, 6, 7, 8], [1, 2, 3, 4]])
    np.testing.assert_allclose(found.scores, [0.9, 0.7], rtol=1e-6)
    assert found.landmarks_xy_px[0, 0].tolist() == [10, 11]


def test_an_insightface_score_is_never_above_one() -> None:
    found = InsightFaceDetector(StubScrfd([[1, 2, 3, 4, 1.01]]), "scrfd", DetectionSettings()).detect(blank())
    assert found.scores.tolist() == [1.0]


def test_insightface_without_a_face_is_no_detection() -> None:
    found = InsightFaceDetector(StubScrfd([]), "scrfd", DetectionSettings()).detect(blank())
    assert isinstance(found, Detections)
    assert len(found) == 0
