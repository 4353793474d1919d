"""Arrays are checked where they are made."""

import numpy as np
import pytest

from models.types import Detections, Face, Match, MatchStatus, Picture, Quality, require
from tests.models.no_faces import NO_FACES


def test_require_says_what_was_expected_and_what_was_found() -> None:
    require("a", np.zeros((2, 3), np.float32), (None, 3), np.float32)
    with pytest.raises(ValueError, match=r"a: expected float32\(None, 3\), found float32\(3, 2\)"):
        require("a", np.zeros((3, 2), np.float32), (None, 3), np.float32)
    with pytest.raises(ValueError, match=r"found float64\(2, 3\)"):
        require("a", np.zeros((2, 3)), (None, 3), np.float32)
    with pytest.raises(ValueError, match=r"found float32\(3,\)"):
        require("a", np.zeros(3, np.float32), (None, 3), np.float32)


def test_a_picture_has_three_channels_and_knows_its_sides() -> None:
    picture = Picture(np.zeros((360, 640, 3), np.uint8), "image/jpeg")
    assert (picture.width_px, picture.height_px) == (640, 360)
    with pytest.raises(ValueError, match="pixels_bgr"):
        Picture(np.zeros((360, 640), np.uint8), "image/jpeg")


def detections(n: int) -> Detections:
    return Detections(
        np.arange(4 * n, dtype=np.float32).reshape(n, 4),
        np.zeros((n, 5, 2), np.float32),
        np.linspace(1, 0, n, dtype=np.float32),
    )


def test_detections_are_aligned() -> None:
    assert len(NO_FACES) == 0
    with pytest.raises(ValueError, match="boxes_xyxy_px"):
        Detections(np.zeros((2, 4), np.float32), np.zeros((3, 5, 2), np.float32), np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="landmarks_xy_px"):
        Detections(np.zeros((3, 4), np.float32), np.zeros((3, 5), np.float32), np.zeros(3, np.float32))


def test_take_picks_by_index_in_that_order_and_by_mask() -> None:
    taken = detections(3).take(np.array([2, 0]))
    assert taken.boxes_xyxy_px[:, 0].tolist() == [8.0, 0.0]
    assert len(detections(3).take(np.array([True, False, True]))) == 2


def test_a_face_checks_its_box_and_landmarks() -> None:
    quality = Quality(0.5, 40, 0.5, 0.0, None)
    match = Match(MatchStatus.PENDING, None, None, None, None, 0, None, None)
    with pytest.raises(ValueError, match="box_ltwh"):
        Face(np.zeros(3, np.float32), np.zeros((5, 2), np.float32), 0.9, quality, "t", match)
    with pytest.raises(ValueError, match="landmarks_xy"):
        Face(np.zeros(4, np.float32), np.zeros((4, 2), np.float32), 0.9, quality, "t", match)
