"""Contract of Tracker, on a fake and on the real one; then what only the real one promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.types import Detections
from models.vision.follow.motion import Motion
from models.vision.follow.tracker import MotionTracker, Track, Tracking, free_id
from tests.models.no_faces import NO_FACES

COAST_MS, MAX_GAP_MS = 1_000, 10_000


class NearestCentre:
    """The plainest tracker that keeps the contract: each detection takes the nearest free track within its size."""

    def update(self, tracks, detections, *, frame_ref, at_ms):
        living = [track for track in tracks if at_ms - track.seen_ms <= MAX_GAP_MS]
        free = {track.track_id: track for track in living}
        seen = []
        for n, box in enumerate(detections.boxes_xyxy_px):
            motion = Motion.start(box)
            near = {i: abs(t.motion.x_px - motion.x_px) + abs(t.motion.y_px - motion.y_px) for i, t in free.items()}
            best = min(near, key=near.get, default=None)
            if best is not None and near[best] <= motion.size_px:
                del free[best]
                seen.append(Track(best, motion, at_ms))
            else:
                seen.append(Track(free_id(frame_ref, n, {track.track_id for track in living}), motion, at_ms))
        return Tracking(tuple(seen), tuple(free.values()))


def real():
    return MotionTracker(coast_ms=COAST_MS, max_gap_ms=MAX_GAP_MS)


@pytest.fixture(params=[NearestCentre, real], ids=["fake", "real"])
def tracker(request):
    return request.param()


class Camera:
    def __init__(self, tracker):
        self.tracker, self.tracks, self.frames = tracker, (), 0

    def see(self, at_ms, detections):
        self.frames += 1
        tracking = self.tracker.update(self.tracks, detections, frame_ref=f"f{self.frames}", at_ms=at_ms)
        self.tracks = tracking.seen + tracking.missed
        return [track.track_id for track in tracking.seen]


def test_nothing_in_nothing_out(tracker):
    assert tracker.update((), NO_FACES, frame_ref="f", at_ms=0) == Tracking((), ())


def test_ids_name_the_frame_and_the_number_in_it(tracker, scripted):
    found = tracker.update(
        (), scripted.detections(scripted.box_at(100), scripted.box_at(400)), frame_ref="e-3", at_ms=7
    )
    assert [track.track_id for track in found.seen] == ["e-3.0", "e-3.1"]
    assert [track.seen_ms for track in found.seen] == [7, 7]


def test_equal_arguments_give_equal_results(tracker, scripted):
    before = tracker.update((), scripted.detections(scripted.box_at(100)), frame_ref="a", at_ms=0).seen
    frame = scripted.detections(scripted.box_at(108), scripted.box_at(300))
    first = tracker.update(before, frame, frame_ref="b", at_ms=40)
    assert tracker.update(before, frame, frame_ref="b", at_ms=40) == first


def test_a_face_that_stays_keeps_its_id_whatever_its_row(tracker, scripted):
    camera = Camera(tracker)
    left, right = scripted.box_at(100), scripted.box_at(400)
    assert camera.see(0, scripted.detections(left, right)) == ["f1.0", "f1.1"]
    assert camera.see(40, scripted.detections(right, left)) == ["f1.1", "f1.0"]


@pytest.mark.parametrize("missed", [3, 8, 20])
def test_short_misses_keep_the_id(tracker, scripted, missed):
    camera = Camera(tracker)
    face = scripted.detections(scripted.box_at(100))
    ids = [camera.see(40 * frame, face) for frame in range(5)]
    for frame in range(5, 5 + missed):
        assert camera.see(40 * frame, NO_FACES) == []
    assert camera.see(40 * (5 + missed), face) == ids[0]


def test_a_track_unseen_for_longer_than_the_gap_has_ended(tracker, scripted):
    face = scripted.detections(scripted.box_at(100))
    before = tracker.update((), face, frame_ref="a", at_ms=0).seen
    assert tracker.update(before, NO_FACES, frame_ref="b", at_ms=MAX_GAP_MS).missed == before
    assert tracker.update(before, NO_FACES, frame_ref="b", at_ms=MAX_GAP_MS + 1) == Tracking((), ())


def test_side_by_side_one_is_hidden_and_the_other_stays(tracker, scripted):
    camera = Camera(tracker)
    left, right = scripted.box_at(100), scripted.box_at(225)
    for frame in range(5):
        assert camera.see(40 * frame, scripted.detections(left, right)) == ["f1.0", "f1.1"]
    for frame in range(5, 15):
        assert camera.see(40 * frame, scripted.detections(right)) == ["f1.1"]
    assert camera.see(600, scripted.detections(right, left)) == ["f1.1", "f1.0"]


def test_a_frame_delivered_again_gives_no_id_twice(tracker, scripted):
    left, far = scripted.box_at(100), scripted.box_at(900)
    first = tracker.update((), scripted.detections(left), frame_ref="f", at_ms=0)
    again = tracker.update(first.seen, scripted.detections(far), frame_ref="f", at_ms=0)
    assert [track.track_id for track in again.seen + again.missed] == ["f.0.1", "f.0"]


boxes = st.lists(
    st.tuples(st.floats(-50, 700), st.floats(-50, 400), st.floats(0, 200), st.floats(0, 200)), min_size=0, max_size=8
)


@settings(deadline=None, max_examples=60)
@given(frames=st.lists(st.tuples(boxes, st.integers(0, 3_000)), min_size=1, max_size=6), fake=st.booleans())
def test_detections_and_tracks_map_one_to_one(frames, fake):
    tracker, tracks, at_ms = (NearestCentre() if fake else real()), (), 0
    for number, (faces, gap_ms) in enumerate(frames):
        at_ms += gap_ms
        ltwh = np.array(faces, np.float32).reshape(-1, 4)
        xyxy = np.concatenate([ltwh[:, :2], ltwh[:, :2] + ltwh[:, 2:]], axis=1)
        n = len(xyxy)
        found = Detections(xyxy, np.zeros((n, 5, 2), np.float32), np.ones(n, np.float32))
        tracking = tracker.update(tracks, found, frame_ref=f"f{number}", at_ms=at_ms)
        after = tracking.seen + tracking.missed
        assert len(tracking.seen) == n
        assert len({track.track_id for track in after}) == len(after)
        assert all(track.seen_ms == at_ms for track in tracking.seen)
        old = {track.track_id for track in tracks}
        assert {track.track_id for track in tracking.missed} <= old
        tracks = after


def test_two_who_cross_keep_their_ids(scripted):
    camera = Camera(real())
    for frame in range(40):
        right, left = 100 + 12 * frame, 560 - 12 * frame
        hidden = abs(right - left) < 50
        seen = scripted.detections(scripted.box_at(right), *([] if hidden else [scripted.box_at(left, y=215)]))
        assert camera.see(40 * frame, seen) == (["f1.0"] if hidden else ["f1.0", "f1.1"])


def test_a_row_does_not_move_up_when_its_first_is_hidden_and_another_joins_its_end(scripted):
    camera = Camera(real())
    row = [scripted.box_at(100 + 75 * n) for n in range(5)]
    for frame in range(4):
        camera.see(40 * frame, scripted.detections(*row[:4]))
    assert camera.see(160, scripted.detections(*row[1:])) == ["f1.1", "f1.2", "f1.3", "f5.3"]


def test_of_two_tracks_at_one_place_the_one_seen_last_has_the_better_claim(scripted):
    camera = Camera(real())
    camera.see(0, scripted.detections(scripted.box_at(300), scripted.box_at(420)))
    for frame in range(1, 20):
        x = max(300, 420 - 8 * frame)
        assert camera.see(40 * frame, scripted.detections(scripted.box_at(x))) == ["f1.1"]
    camera.see(800, NO_FACES)
    assert camera.see(840, scripted.detections(scripted.box_at(300))) == ["f1.1"]


def test_after_coasting_motion_joins_nothing(scripted):
    camera = Camera(real())
    face = scripted.detections(scripted.box_at(100))
    camera.see(0, face)
    assert camera.see(COAST_MS, face) == ["f1.0"]
    assert camera.see(2 * COAST_MS + 1, face) == ["f3.0"]


def test_a_face_of_another_size_is_another(scripted):
    camera = Camera(real())
    camera.see(0, scripted.detections(scripted.box_at(100)))
    assert camera.see(40, scripted.detections(scripted.box_at(100, size=190))) == ["f2.0"]


def test_says_when_two_could_be_mistaken_for_each_other(scripted):
    tracker = real()
    tracks = tracker.update((), scripted.detections(scripted.box_at(100), scripted.box_at(150)), frame_ref="a", at_ms=0)
    frame = scripted.detections(scripted.box_at(100), scripted.box_at(140), scripted.box_at(800))
    assert [track.crowded for track in tracker.update(tracks.seen, frame, frame_ref="b", at_ms=40).seen] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(("gap_ms", "surprised"), [(100, False), (101, True)])
def test_in_a_crowd_a_shorter_gap_is_enough_for_doubt(scripted, gap_ms, surprised):
    tracker = real()
    near = scripted.detections(scripted.box_at(100), scripted.box_at(140))
    tracks = tracker.update((), near, frame_ref="a", at_ms=0).seen
    assert [track.surprised for track in tracker.update(tracks, near, frame_ref="b", at_ms=gap_ms).seen] == [
        surprised
    ] * 2


@pytest.mark.parametrize(
    ("x", "gap_ms", "surprised"), [(105, 40, False), (165, 40, True), (100, 250, False), (100, 251, True)]
)
def test_says_when_a_face_was_not_expected_there(scripted, x, gap_ms, surprised):
    tracker = real()
    tracks = tracker.update((), scripted.detections(scripted.box_at(100)), frame_ref="a", at_ms=0).seen
    found = tracker.update(tracks, scripted.detections(scripted.box_at(x)), frame_ref="b", at_ms=gap_ms).seen
    assert [(track.track_id, track.surprised) for track in found] == [("a.0", surprised)]
