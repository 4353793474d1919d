import hashlib
import itertools
from collections import Counter

import cv2
import numpy as np
import pytest

from streams.demo.cast import CAST, ENROLLED, Person, stage
from streams.demo.film import CAMERAS, FRAMES, Shot, enrollment_picture, faces_in_view, film, view_matrix
from streams.demo.truth import FrameTruth


@pytest.fixture(scope="module")
def truths() -> dict[str, list[FrameTruth]]:
    return {camera_id: [frame.truth for frame in film(camera_id)] for camera_id in CAMERAS}


def decoded(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_a_camera_films_the_same_frames_always() -> None:
    one, other = (
        [(hashlib.sha256(frame.jpeg).hexdigest(), frame.truth) for frame in film("gate", 25)] for _ in range(2)
    )
    assert one == other
    assert len({digest for digest, _ in one}) == 25


def test_cameras_differ_in_weather() -> None:
    shakes = {camera_id: next(film(camera_id, 1)).truth.faces for camera_id in CAMERAS}
    assert len(set(shakes.values())) == len(CAMERAS)


def test_frames_have_one_size_and_an_id_of_their_own(truths: dict[str, list[FrameTruth]]) -> None:
    for camera_id in CAMERAS:
        assert [decoded(frame.jpeg).shape for frame in film(camera_id, 2)] == [(360, 640, 3)] * 2
    ids = [truth.frame_id for frames in truths.values() for truth in frames]
    assert len(set(ids)) == len(ids) == 3 * FRAMES
    assert ids[17] == "lobby-00017"


def test_a_level_view_scales_about_its_centre() -> None:
    # a view 320 wide doubles: its left upper corner is at 100 - 160, 90 - 90
    np.testing.assert_allclose(view_matrix(Shot(0, 100, 90, 320)), [[2, 0, 120], [0, 2, 0]])


def test_a_tilted_view_turns_about_its_centre() -> None:
    matrix = view_matrix(Shot(0, 100, 90, 640), tilt_deg=90)
    np.testing.assert_allclose(matrix @ [100, 90, 1], [320, 180])
    np.testing.assert_allclose(matrix @ [110, 90, 1], [320, 170])


@pytest.mark.parametrize(
    ("face_ltwh_px", "box_ltwh", "usable"),
    [
        ((64, 36, 64, 72), (0.1, 0.1, 0.1, 0.2), True),  # wholly in view
        ((-32, 36, 64, 72), (0.0, 0.1, 0.05, 0.2), False),  # half of it left of the frame
        ((608, 324, 64, 72), (0.95, 0.9, 0.05, 0.1), False),  # past the lower right corner
        ((64, 36, 43, 72), (0.1, 0.1, 43 / 640, 0.2), False),  # a pixel too narrow
        ((64, 36, 44, 72), (0.1, 0.1, 44 / 640, 0.2), True),
    ],
)
def test_the_truth_is_the_box_through_the_matrix(
    face_ltwh_px: tuple[float, ...], box_ltwh: tuple[float, ...], usable: bool
) -> None:
    person = Person("ina", face_ltwh_px, enrolled=True)
    (face,) = faces_in_view(np.array([[1.0, 0, 0], [0, 1.0, 0]]), [person])
    assert face.box_ltwh == pytest.approx(box_ltwh)
    assert face.usable is usable


def test_scale_and_shift_carry_the_box_along() -> None:
    person = Person("ina", (100, 50, 40, 60), enrolled=True)
    (face,) = faces_in_view(np.array([[2.0, 0, -72], [0, 2.0, -28]]), [person])
    assert face.box_ltwh == pytest.approx((128 / 640, 72 / 360, 80 / 640, 120 / 360))
    assert face.usable


def test_a_turned_face_is_bounded_by_its_corners_but_no_larger() -> None:
    person = Person("ina", (-20, -20, 40, 40), enrolled=True)
    turned = np.array([[0.6, 0.8, 320], [-0.8, 0.6, 180]])
    (face,) = faces_in_view(turned, [person])
    assert face.box_ltwh == pytest.approx((292 / 640, 152 / 360, 56 / 640, 56 / 360))
    assert not face.usable  # 40 px wide still, although its bounds are 56


@pytest.mark.parametrize("shift", [(-140, 0), (640 - 100, 0), (0, -110), (0, 360 - 50)])
def test_who_is_out_of_view_is_not_in_the_truth(shift: tuple[float, float]) -> None:
    person = Person("ina", (100, 50, 40, 60), enrolled=True)
    assert faces_in_view(np.array([[1.0, 0, shift[0]], [0, 1.0, shift[1]]]), [person]) == ()


def test_the_truth_lies_where_the_pixels_are() -> None:
    # a face cut out by its true box looks like the face on the stage; a box elsewhere does not
    scores = []
    for frame in film("desk", 60):
        for face in frame.truth.faces:
            if not face.usable:
                continue
            x, y, w, h = (round(f * s) for f, s in zip(face.box_ltwh, (640, 360, 640, 360), strict=True))
            left, top, width, height = next(p.face_ltwh_px for p in CAST if p.person_id == face.person_id)
            there = decoded(frame.jpeg)[y : y + h, x : x + w]
            on_stage = cv2.resize(stage()[top : top + height, left : left + width], (w, h))
            scores.append(np.corrcoef(there.ravel(), on_stage.ravel())[0, 1])
    assert min(scores) > 0.8


def test_everybody_is_long_enough_in_view(truths: dict[str, list[FrameTruth]]) -> None:
    usable = Counter(face.person_id for frames in truths.values() for t in frames for face in t.faces if face.usable)
    assert set(usable) == {person.person_id for person in CAST}
    assert min(usable.values()) >= 100


def test_each_camera_shows_enrolled_people_and_strangers(truths: dict[str, list[FrameTruth]]) -> None:
    for frames in truths.values():
        usable = {face.person_id for truth in frames for face in truth.faces if face.usable}
        assert usable & ENROLLED
        assert usable - ENROLLED


def test_faces_leave_and_come_back(truths: dict[str, list[FrameTruth]]) -> None:
    shown = ["gwen" in {face.person_id for face in truth.faces} for truth in truths["desk"]]
    changes = [number for number, (one, two) in enumerate(itertools.pairwise(shown)) if one != two]
    assert len(changes) == 2
    assert changes[1] - changes[0] > 60


def test_faces_move_smoothly(truths: dict[str, list[FrameTruth]]) -> None:
    for frames in truths.values():
        for one, two in itertools.pairwise(frames):
            before = {face.person_id: face.box_ltwh for face in one.faces if face.usable}
            for face in two.faces:
                if face.usable and face.person_id in before:
                    moved = np.abs(np.subtract(face.box_ltwh[:2], before[face.person_id][:2]))
                    assert moved.max() < 0.08


@pytest.mark.parametrize("person", CAST, ids=lambda person: person.person_id)
def test_an_enrollment_picture_shows_one_face_at_another_scale(person: Person) -> None:
    picture = decoded(enrollment_picture(person))
    size_px = picture.shape[0]
    assert picture.shape == (size_px, size_px, 3)
    left, top, width, height = person.face_ltwh_px
    assert size_px == round(1.6 * 2.1 * max(width, height))
    reach_px = size_px / 1.6 / 2
    for other in CAST:
        x = other.face_ltwh_px[0] + other.face_ltwh_px[2] / 2 - left - width / 2
        y = other.face_ltwh_px[1] + other.face_ltwh_px[3] / 2 - top - height / 2
        assert other == person or max(abs(x), abs(y)) > reach_px
