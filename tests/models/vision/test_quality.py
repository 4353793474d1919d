import pickle
from importlib.resources import files

import cv2
import numpy as np
import pytest

from models.types import Detections, Float32, Picture, RejectReason, UInt8
from models.vision.detect import Detector
from models.vision.quality import LandmarkQualityGate, QualitySettings, sharpness, yaw_deg
from tests.models.no_faces import NO_FACES

GATE = LandmarkQualityGate(QualitySettings())


def blurred(picture: Picture, sigma_px: float) -> Picture:
    return Picture(np.asarray(cv2.GaussianBlur(picture.pixels_bgr, (0, 0), sigma_px), np.uint8), picture.media_type)


def scaled(picture: Picture, factor: float) -> Picture:
    pixels = cv2.resize(picture.pixels_bgr, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return Picture(np.asarray(pixels, np.uint8), picture.media_type)


def darkened(picture: Picture, factor: float) -> Picture:
    return Picture((picture.pixels_bgr * factor).astype(np.uint8), picture.media_type)


@pytest.fixture(scope="module")
def face(astronaut: Picture, detector: Detector) -> Detections:
    return detector.detect(astronaut)


def test_photographed_faces_pass(six_people: Picture, detector: Detector) -> None:
    qualities = GATE.assess(six_people, detector.detect(six_people))
    assert [quality.reject_reason for quality in qualities] == [None] * 6
    assert all(90 < quality.face_px < 125 for quality in qualities)
    assert all(0.2 < quality.score < 1 for quality in qualities)


def test_no_face_has_no_quality(astronaut: Picture) -> None:
    assert GATE.assess(astronaut, NO_FACES) == ()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (QualitySettings(min_confidence=0.99), RejectReason.LOW_CONFIDENCE),
        (QualitySettings(min_face_px=200), RejectReason.TOO_SMALL),
        (QualitySettings(max_yaw_deg=0.1), RejectReason.TURNED),
        (QualitySettings(min_sharpness=0.99), RejectReason.BLURRED),
        (QualitySettings(min_sharpness=0.99, min_confidence=0.99), RejectReason.LOW_CONFIDENCE),
    ],
)
def test_each_setting_rejects_with_its_reason(
    astronaut: Picture, face: Detections, settings: QualitySettings, reason: RejectReason
) -> None:
    (quality,) = LandmarkQualityGate(settings).assess(astronaut, face)
    assert quality.reject_reason == reason
    assert quality.score > 0


def test_a_face_of_sixteen_pixels_is_too_small(astronaut: Picture, face: Detections) -> None:
    factor = 16 / float(face.boxes_xyxy_px[0, 2] - face.boxes_xyxy_px[0, 0])
    small = Detections(face.boxes_xyxy_px * factor, face.landmarks_xy_px * factor, face.scores)
    (quality,) = GATE.assess(scaled(astronaut, factor), small)
    assert quality.reject_reason == RejectReason.TOO_SMALL
    assert quality.face_px == 16


def test_a_face_blurred_beyond_recognition_is_rejected(astronaut: Picture, face: Detections) -> None:
    (quality,) = GATE.assess(blurred(astronaut, 5), face)
    assert quality.reject_reason == RejectReason.BLURRED


def test_more_blur_is_less_sharp_and_a_worse_view(astronaut: Picture, face: Detections) -> None:
    views = [GATE.assess(blurred(astronaut, sigma), face)[0] for sigma in (0.5, 1, 2, 3, 5)]
    assert (np.diff([view.sharpness for view in views]) < 0).all()
    assert (np.diff([view.score for view in views]) < 0).all()


@pytest.mark.parametrize("kernel", [np.ones((1, 17)) / 17, np.ones((17, 1)) / 17])
def test_motion_in_one_direction_counts(astronaut: Picture, face: Detections, kernel: UInt8) -> None:
    moved = Picture(np.asarray(cv2.filter2D(astronaut.pixels_bgr, -1, kernel), np.uint8), "image/png")
    box = face.boxes_xyxy_px[0]
    assert sharpness(moved, box) < 0.3 * sharpness(astronaut, box)


def test_sharpness_does_not_depend_on_light(astronaut: Picture, face: Detections) -> None:
    box = face.boxes_xyxy_px[0]
    assert sharpness(darkened(astronaut, 0.4), box) == pytest.approx(sharpness(astronaut, box), abs=0.03)


@pytest.mark.parametrize("factor", [2, 3, 6])
def test_sharpness_does_not_depend_on_how_large_a_face_is_shown(
    astronaut: Picture, face: Detections, factor: int
) -> None:
    pixels = np.ascontiguousarray(astronaut.pixels_bgr.repeat(factor, 0).repeat(factor, 1))
    enlarged = sharpness(Picture(pixels, "image/png"), face.boxes_xyxy_px[0] * factor)
    assert enlarged == pytest.approx(sharpness(astronaut, face.boxes_xyxy_px[0]), abs=0.06)


def test_flat_and_absent_pixels_have_no_sharpness() -> None:
    grey = Picture(np.full((50, 50, 3), 90, np.uint8), "image/png")
    assert sharpness(grey, np.array([0, 0, 50, 50], np.float32)) == 0
    assert sharpness(grey, np.array([60, 60, 90, 90], np.float32)) == 0
    assert sharpness(grey, np.array([-90, -90, -60, -60], np.float32)) == 0


def test_a_box_that_reaches_past_the_edge_is_judged_by_what_is_seen(astronaut: Picture) -> None:
    assert sharpness(astronaut, np.array([-50, -50, 100, 100], np.float32)) == sharpness(
        astronaut, np.array([0, 0, 100, 100], np.float32)
    )


@pytest.fixture(scope="module")
def mean_face_xyz() -> Float32:
    """Eyes, tip of the nose and corners of the mouth of insightface's mean face; x right, y down, z to the viewer."""
    content = (files("insightface") / "data" / "objects" / "meanshape_68.pkl").read_bytes()
    points = pickle.loads(content)
    eyes = [points[36:42].mean(axis=0), points[42:48].mean(axis=0)]
    face = np.stack([*eyes, points[30], points[48], points[54]])
    face[:, 0] -= face[:2, 0].mean()
    return np.asarray(face, np.float32)


@pytest.mark.parametrize("turn_deg", [-60, -30, -10, 0, 10, 30, 60])
@pytest.mark.parametrize("tilt_deg", [-40, 0, 90])
def test_yaw_is_that_of_a_turned_mean_face(mean_face_xyz: Float32, turn_deg: float, tilt_deg: float) -> None:
    turn, tilt = np.radians(turn_deg), np.radians(tilt_deg)
    x, y, z = mean_face_xyz.T
    turned = np.stack([x * np.cos(turn) + z * np.sin(turn), y], axis=1)
    tilted = turned @ np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    landmarks = (tilted * 80 + 300).astype(np.float32)[None]
    assert yaw_deg(landmarks)[0] == pytest.approx(turn_deg, abs=3)


def test_the_sign_of_a_turned_head_turns_round_with_the_picture(six_people: Picture, detector: Detector) -> None:
    looks_left = np.ascontiguousarray(six_people.pixels_bgr[20:320, 820:1120])
    looks_right = np.ascontiguousarray(looks_left[:, ::-1])
    left, right = (
        yaw_deg(detector.detect(Picture(pixels, "image/jpeg")).landmarks_xy_px)[0]
        for pixels in (looks_left, looks_right)
    )
    assert left < -20
    assert right > 20


def test_yaw_of_landmarks_in_one_point_is_a_number() -> None:
    assert yaw_deg(np.zeros((1, 5, 2), np.float32)).tolist() == [0.0]


def test_a_turned_view_is_a_worse_one(astronaut: Picture, face: Detections) -> None:
    eye_distance = np.linalg.norm(face.landmarks_xy_px[0, 1] - face.landmarks_xy_px[0, 0])
    nose_moved = face.landmarks_xy_px.copy()
    nose_moved[0, 2, 0] += 0.3 * eye_distance
    turned = Detections(face.boxes_xyxy_px, nose_moved, face.scores)
    (frontal_view,), (turned_view,) = GATE.assess(astronaut, face), GATE.assess(astronaut, turned)
    assert abs(turned_view.yaw_deg) > abs(frontal_view.yaw_deg) + 10
    assert turned_view.score < frontal_view.score
