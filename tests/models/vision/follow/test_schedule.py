from dataclasses import replace

import numpy as np
import pytest

from models.types import MatchStatus, Quality, RejectReason
from models.vision.follow.identity import Identity
from models.vision.follow.motion import Motion
from models.vision.follow.portrait import Doubt, Portrait, View
from models.vision.follow.schedule import Reason, choose, reason
from models.vision.follow.settings import FollowSettings
from models.vision.follow.tracker import Track

TRACK = Track("f.0", Motion.start(np.array([0, 0, 100, 100], np.float32)), 0)
SETTLED = Identity(MatchStatus.MATCHED, "ada")


@pytest.fixture
def seen(scripted):
    view = View(scripted.axis(0), scripted.quality(0.6), "f")
    return replace(Portrait().with_view(view, at_ms=1_000, kept=5), identity=SETTLED)


def why(portrait, quality, at_ms=1_040, track=TRACK):
    return reason(track, portrait, quality, at_ms=at_ms, settings=FollowSettings())


def test_a_new_face_is_encoded_unless_it_is_rejected(scripted):
    assert why(Portrait(), scripted.quality()) is Reason.FIRST
    assert why(Portrait(), scripted.quality(reject=RejectReason.BLURRED)) is None


def test_a_settled_face_waits_for_its_recheck(seen, scripted):
    assert why(seen, scripted.quality(0.6), at_ms=3_999) is None
    assert why(seen, scripted.quality(0.6), at_ms=4_000) is Reason.RECHECK


@pytest.mark.parametrize(
    ("score", "face_px", "expected"),
    [(0.74, 100, None), (0.76, 100, Reason.BETTER), (0.6, 149, None), (0.6, 150, Reason.BETTER)],
)
def test_a_clearly_better_view_is_encoded(seen, scripted, score, face_px, expected):
    assert why(seen, scripted.quality(score, face_px), at_ms=1_200) is expected
    assert why(seen, scripted.quality(score, face_px), at_ms=1_199) is None


@pytest.mark.parametrize(
    "change",
    [
        {"identity": Identity()},
        {"identity": replace(SETTLED, contrary=1)},
        {"contrary": (View(np.zeros(2, np.float32), Quality(0.5, 9, 0.5, 0.0, None), "f"),)},
    ],
    ids=["pending", "name contradicted", "face contradicted"],
)
def test_what_is_not_settled_is_encoded_soon(seen, scripted, change):
    assert why(replace(seen, **change), scripted.quality(0.6), at_ms=1_199) is None
    assert why(replace(seen, **change), scripted.quality(0.6), at_ms=1_200) is Reason.SETTLING


def test_a_doubt_is_cleared_at_once_but_not_in_the_crowd_that_raised_it(seen, scripted):
    crowded = replace(TRACK, crowded=True)
    assert why(seen.doubted(Doubt.SURPRISED), scripted.quality(), track=crowded) is Reason.DOUBT
    assert why(seen.doubted(Doubt.CROWDED), scripted.quality(), track=crowded) is None
    assert why(seen.doubted(Doubt.CROWDED), scripted.quality()) is Reason.DOUBT


def test_a_view_that_proves_nothing_is_not_encoded_to_check_a_settled_face(seen, scripted):
    turned = scripted.quality(0.6, yaw_deg=30.0)
    assert why(seen, turned, at_ms=9_000) is None
    assert why(replace(seen, identity=replace(SETTLED, contrary=1)), turned, at_ms=2_000) is None
    assert why(replace(seen, identity=Identity()), turned, at_ms=2_000) is Reason.SETTLING
    assert why(seen.doubted(Doubt.SURPRISED), turned, at_ms=3_999) is None
    assert why(seen.doubted(Doubt.SURPRISED), turned, at_ms=4_000) is Reason.RECHECK


def test_the_most_urgent_and_then_the_best_views_are_chosen(scripted):
    reasons = [Reason.RECHECK, Reason.FIRST, None, Reason.FIRST, Reason.DOUBT]
    qualities = [scripted.quality(score) for score in (0.9, 0.5, 0.9, 0.7, 0.3)]
    assert choose(reasons, qualities, limit=9) == (0, 1, 3, 4)
    assert choose(reasons, qualities, limit=3) == (1, 3, 4)
    assert choose(reasons, qualities, limit=2) == (3, 4)
    assert choose(reasons, qualities, limit=1) == (4,)
    assert choose([], [], limit=4) == ()
