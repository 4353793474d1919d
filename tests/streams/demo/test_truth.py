from collections import Counter

import pytest

from streams.demo.truth import FrameTruth, TruthFace, iou, visits_of, who_is_at

ADA = TruthFace("ada", (0.1, 0.1, 0.2, 0.2), True)
BEN = TruthFace("ben", (0.6, 0.1, 0.2, 0.2), True)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((0.0, 0.0, 1.0, 1.0), 1.0),
        ((0.5, 0.0, 1.0, 1.0), 1 / 3),
        ((0.25, 0.25, 0.5, 0.5), 0.25),
        ((1.0, 0.0, 1.0, 1.0), 0.0),
        ((2.0, 2.0, 1.0, 1.0), 0.0),
    ],
)
def test_iou(other: tuple[float, float, float, float], expected: float) -> None:
    assert iou((0.0, 0.0, 1.0, 1.0), other) == pytest.approx(expected)
    assert iou(other, (0.0, 0.0, 1.0, 1.0)) == pytest.approx(expected)


def test_the_best_overlap_says_who_it_is() -> None:
    frame = FrameTruth("lobby", 3, (ADA, BEN))
    assert who_is_at(frame, (0.12, 0.12, 0.2, 0.2)) == ADA
    assert who_is_at(frame, (0.58, 0.12, 0.2, 0.2)) == BEN
    assert who_is_at(frame, (0.25, 0.25, 0.2, 0.2)) is None
    assert who_is_at(FrameTruth("lobby", 3, ()), (0.1, 0.1, 0.2, 0.2)) is None


def _film(camera_id: str, pattern: str) -> list[FrameTruth]:
    """x: usable, -: in view in part, a dot: out of view."""
    return [
        FrameTruth(camera_id, number, () if sign == "." else (TruthFace("ada", (0.1, 0.1, 0.2, 0.2), sign == "x"),))
        for number, sign in enumerate(pattern)
    ]


@pytest.mark.parametrize(
    ("pattern", "timeout_frames", "visits"),
    [
        ("xxx", 0, 1),
        ("x.x", 0, 2),
        ("x.x", 1, 1),
        ("x..x", 1, 2),
        ("..x...x.x", 1, 2),
        ("...", 5, 0),
        ("---", 5, 0),
        ("x.-.x", 1, 1),
        ("x..-.x", 1, 2),
    ],
)
def test_a_visit_outlives_short_absences(pattern: str, timeout_frames: int, visits: int) -> None:
    assert visits_of(_film("lobby", pattern), timeout_frames)["ada"] == visits


def test_visits_are_each_cameras_own() -> None:
    assert visits_of(_film("lobby", "xx") + _film("gate", "x..x"), 1) == Counter(ada=3)
