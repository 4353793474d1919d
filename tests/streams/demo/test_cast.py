import numpy as np
import pytest

from streams.demo import cast


def test_both_pictures_stand_on_the_stage() -> None:
    stage = cast.stage()
    assert stage.shape == (886, 1920, 3)
    assert stage.dtype == np.uint8
    wall = stage[:, 1280:1408]
    assert (wall == cast.WALL_BGR).all()
    assert stage[:, :1280].std() > 30
    assert stage[187:699, 1408:].std() > 30


def test_every_face_lies_on_one_of_the_pictures() -> None:
    for person in cast.CAST:
        left, top, width, height = person.face_ltwh_px
        assert left >= 0
        assert left + width <= 1280 or left >= 1408
        assert 0 <= top <= top + height <= 886


def test_some_are_enrolled_and_others_never() -> None:
    assert frozenset({"carl", "dan", "fay", "gwen"}) == cast.ENROLLED
    assert {person.person_id for person in cast.CAST} - cast.ENROLLED == {"ada", "bea", "emil"}


def test_nobody_can_paint_on_the_stage() -> None:
    with pytest.raises(ValueError, match="read-only"):
        cast.stage()[0, 0] = 0


@pytest.mark.parametrize(
    ("package", "name", "found"),
    [
        ("no_such_package", "t1.jpg", "no_such_package, which is not installed"),
        ("insightface", "data/images/none.jpg", "found no picture"),
        ("insightface", "data/images/t1.jpg", "expected a picture of 10x20, found 1280x886"),
    ],
)
def test_a_missing_or_altered_picture_is_named(package: str, name: str, found: str) -> None:
    with pytest.raises(cast.CastError, match=found):
        cast._picture(package, name, (10, 20))
