"""Visits from frame to frame: enter, update, exit, and what must never split or be named."""

from dataclasses import replace

import pytest

from models.types import Face, MatchStatus
from streams.agents.cameras.visits import MAX_OPEN, FrameOf, Visits, VisitSettings, advance, end_all, record
from streams.wire.headers import Deployment
from streams.wire.records import OpenVisit, Sighting, encode

DEPLOYMENT = Deployment(account="main", app_id="77", region="eu")

SETTINGS = VisitSettings(timeout_ms=3000, update_ms=5000)
BROKERS_LARGEST_RECORD_BYTES = 1_000_000  # Kafka's own default is 1048588


def everyone(gallery: str, person_id: str) -> bool:
    return True


class Camera:
    """Feeds frames, 1 a second unless told otherwise, and keeps what was said."""

    def __init__(self, knows=everyone) -> None:
        self.visits = Visits()
        self.offset = -1
        self.knows = knows

    def frame(self, *faces: Face, at_s: float, offset: int | None = None, gallery: str = "default") -> list[Sighting]:
        self.offset = self.offset + 1 if offset is None else offset
        frame = FrameOf(
            camera_id="lobby",
            deployment=DEPLOYMENT,
            gallery=gallery,
            ref=f"e{self.offset}",
            offset=self.offset,
            at_ms=int(at_s * 1000),
        )
        self.visits, said = advance(self.visits, faces, frame, SETTINGS, self.knows)
        return said


@pytest.fixture
def camera() -> Camera:
    return Camera()


def short(said: list[Sighting]) -> list[tuple[str, str | None]]:
    return [(each.event, each.person_id) for each in said]


def test_a_person_enters_once_and_leaves_when_unseen_for_the_timeout(camera: Camera, face) -> None:
    [entered] = camera.frame(face("ada", similarity=0.6), at_s=10)
    assert (entered.event, entered.visit_id, entered.frames, entered.best_similarity) == ("enter", "e0.0", 1, 0.6)
    assert camera.frame(face("ada", similarity=0.8), at_s=11) == []
    assert camera.frame(at_s=13.9) == []
    [left] = camera.frame(at_s=14)
    assert left == Sighting(
        event="exit",
        event_id="e3",
        visit_id="e0.0",
        camera_id="lobby",
        account="main",
        region="eu",
        gallery="default",
        person_id="ada",
        first_seen_ms=10_000,
        last_seen_ms=11_000,
        frames=2,
        best_similarity=0.8,
        reason="left",
    )
    assert camera.visits.open == ()


def test_a_person_that_comes_back_on_another_track_stays_one_visit(camera: Camera, face) -> None:
    camera.frame(face("ada", track="t0"), at_s=10)
    assert camera.frame(face("ada", track="t7"), at_s=12) == []
    assert [visit.frames for visit in camera.visits.open] == [2]


def test_an_update_is_said_once_its_time_has_come(camera: Camera, face) -> None:
    said = [short(camera.frame(face("ada"), at_s=10 + second)) for second in range(7)]
    assert said == [[("enter", "ada")], [], [], [], [], [("update", "ada")], []]


def test_strangers_have_a_visit_each_and_no_similarity(camera: Camera, face) -> None:
    said = camera.frame(face(track="a"), face(track="b"), at_s=10)
    assert [(each.visit_id, each.person_id, each.best_similarity) for each in said] == [
        ("e0.0", None, None),
        ("e0.1", None, None),
    ]


def test_an_unknown_who_becomes_known_keeps_the_visit(camera: Camera, face) -> None:
    camera.frame(face(track="a"), at_s=10)
    [update] = camera.frame(face("ada", track="a"), at_s=11)
    assert (update.event, update.visit_id, update.person_id, update.frames) == ("update", "e0.0", "ada", 2)


def test_an_unsettled_face_opens_nothing_but_keeps_its_track_going(camera: Camera, face) -> None:
    assert camera.frame(face(track="a", status=MatchStatus.PENDING), at_s=10) == []
    camera.frame(face("ada", track="a"), at_s=11)
    for second in range(12, 20):
        camera.frame(face(track="a", status=MatchStatus.PENDING), at_s=second)
    assert [visit.person_id for visit in camera.visits.open] == ["ada"]


def test_a_track_that_turns_out_a_stranger_does_not_prolong_the_named_visit(camera: Camera, face) -> None:
    camera.frame(face("ada", track="a"), at_s=10)
    assert short(camera.frame(face(track="a"), at_s=11)) == [("enter", None)]
    assert short(camera.frame(face(track="a"), at_s=13)) == [("exit", "ada")]


def test_a_repeated_frame_changes_and_says_nothing(camera: Camera, face) -> None:
    camera.frame(face("ada"), at_s=10)
    before = camera.visits
    assert camera.frame(face("ben"), at_s=10, offset=0) == []
    assert camera.visits == before


def test_a_forgotten_person_is_not_named_once_more(face) -> None:
    known = {"ada"}
    camera = Camera(knows=lambda gallery, person: person in known)
    camera.frame(face("ada"), at_s=10)
    known.clear()
    [left] = camera.frame(at_s=10.1)
    assert (left.event, left.visit_id, left.person_id, left.reason) == ("exit", "e0.0", None, "forgotten")


def test_the_same_name_in_two_galleries_is_two_people(camera: Camera, face) -> None:
    camera.frame(face("ada"), at_s=10, gallery="default")
    assert short(camera.frame(face("ada"), at_s=10.5, gallery="vip")) == [("enter", "ada")]
    assert len(camera.visits.open) == 2


def test_a_clock_that_goes_back_ends_nothing_and_moves_no_time_back(camera: Camera, face) -> None:
    camera.frame(face("ada"), at_s=10)
    assert camera.frame(face("ada"), at_s=9) == []
    assert camera.visits.open[0].last_seen_ms == 10_000


def test_end_all_picks_and_gives_the_reason(camera: Camera, face) -> None:
    camera.frame(face("ada", track="a"), face(track="b"), at_s=10)

    def unknown(visit: OpenVisit) -> bool:
        return visit.person_id is None

    after, said = end_all(camera.visits, "lobby", DEPLOYMENT, "handover", only=unknown, knows=everyone)
    assert [(each.event, each.person_id, each.reason) for each in said] == [("exit", None, "handover")]
    assert [visit.person_id for visit in after.open] == ["ada"]
    assert replace(after, open=()) == Visits(0, "e0", ())


def test_whoever_was_forgotten_meanwhile_is_not_named_when_a_visit_ends_without_a_frame(camera: Camera, face) -> None:
    camera.frame(face("ada", track="a"), face("ben", track="b"), at_s=10)
    after, said = end_all(
        camera.visits,
        "lobby",
        DEPLOYMENT,
        "handover",
        only=lambda visit: visit.person_id is None,
        knows=lambda gallery, person_id: person_id == "ben",
    )
    assert [(each.event, each.person_id, each.reason) for each in said] == [("exit", None, "forgotten")]
    assert [visit.person_id for visit in after.open] == ["ben"]


def test_new_faces_without_end_end_the_visits_unseen_longest(camera: Camera, face) -> None:
    for number in range(MAX_OPEN + 10):
        said = camera.frame(face(track=f"t{number}"), at_s=10 + number / 1000)
    assert [visit.track_id for visit in camera.visits.open] == [f"t{number}" for number in range(10, MAX_OPEN + 10)]
    assert [(each.event, each.reason) for each in said] == [("enter", None), ("exit", "left")]


def test_the_record_of_as_many_visits_as_there_may_be_is_one_that_a_broker_takes(camera: Camera, face) -> None:
    crowd = [face(f"{number:0>256}", track=f"t{number}") for number in range(MAX_OPEN)]
    camera.frame(*crowd, at_s=10)
    said = camera.frame(*(face(track=f"u{number}") for number in range(100)), at_s=20)
    assert len(said) == 100 + MAX_OPEN
    state = record(camera.visits, "c" * 256, "0a0b0c0d", 3, said)
    assert len(encode(state)) < BROKERS_LARGEST_RECORD_BYTES
