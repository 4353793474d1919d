"""Visits that name somebody who was deleted end without a frame, and no record names them any more."""

from dataclasses import dataclass, field

import pytest

from streams.agents.cameras.recognition import CameraLane
from streams.agents.cameras.sightings import Sightings, VisitsView
from streams.agents.cameras.visits import FrameOf, Visits, VisitSettings
from streams.agents.erasure.unnaming import Unnaming
from streams.engine.lanes.lane import Lane
from streams.wire import records
from streams.wire.headers import Deployment
from streams.wire.records import OpenVisits, Sighting
from streams.wire.topics import Topics

DEPLOYMENT = Deployment(account="main", app_id="77", region="eu")

EPOCH = "0a0b0c0d"


@dataclass
class Record:
    key: bytes
    value: bytes | None
    partition: int = 0


@dataclass
class KeptLanes:
    jobs: list = field(default_factory=list)

    def enqueue(self, place, job) -> None:
        self.jobs.append((place, job))


class Stage:
    def __init__(self, view, outlet, face) -> None:
        self.outlet, self.face = outlet, face
        self.strangers: set[str] = set()
        self.ready, self.now, self.caught_up = True, 100.0, 0
        self.lanes = KeptLanes()
        self.sightings = Sightings(
            topics=Topics(),
            deployment=DEPLOYMENT,
            epoch=EPOCH,
            settings=VisitSettings(),
            newest=VisitsView(1),
            view=view,
            knows=lambda gallery, person_id: person_id not in self.strangers,
        )
        self.unnaming = Unnaming(
            sightings=self.sightings,
            lanes=self.lanes,
            is_ready=lambda: self.ready,
            catch_up=self.catch_up,
            clock=lambda: self.now,
        )
        self.unnaming.assigned({4})

    async def catch_up(self) -> None:
        self.caught_up += 1

    async def enters(self, person: str) -> Visits:
        frame = FrameOf(
            camera_id="lobby",
            deployment=DEPLOYMENT,
            gallery="default",
            ref=f"{EPOCH}-camera-frames-4-7",
            offset=7,
            at_ms=1000,
        )
        visits = await self.sightings.see(Visits(), [self.face(person)], frame, 4, self.outlet)
        self.read_visits()
        return visits

    def read_visits(self) -> OpenVisits | None:
        written = self.outlet.on("visits")[-1]
        self.sightings.newest.apply(Record(written.key, written.value))
        return None if written.value is None else records.decode(written.value, OpenVisits)

    def look(self) -> int:
        self.lanes.jobs.clear()
        self.unnaming.look()
        return len(self.lanes.jobs)

    async def work(self, lane: Lane | None = None) -> None:
        [(place, job)] = self.lanes.jobs
        assert place == ("facestreams.main.camera-frames", 4, b"lobby")
        self.outlet.batches.clear()
        await job(lane or Lane(place, 0.0), self.outlet)


@pytest.fixture
def stage(view, outlet, face) -> Stage:
    return Stage(view, outlet, face)


async def test_nobody_who_is_known_is_touched(stage: Stage) -> None:
    await stage.enters("ada")
    assert stage.look() == 0


async def test_an_idle_camera_names_nobody_any_more(stage: Stage) -> None:
    await stage.enters("ada")
    stage.strangers = {"ada"}
    assert stage.look() == 1
    await stage.work()
    left = stage.read_visits()
    assert left.visits == []
    assert b"ada" not in b"".join(each.value for each in stage.outlet.all)
    said = [records.decode(each.value, Sighting) for each in stage.outlet.on("sightings")]
    assert [(each.event, each.reason) for each in said] == [("enter", None), ("exit", "forgotten")]
    assert stage.look() == 0


async def test_a_camera_with_a_lane_goes_on_from_what_the_lane_knows(stage: Stage) -> None:
    visits = await stage.enters("ada")
    stage.strangers = {"ada"}
    stage.look()
    lane = Lane(("t", 4, b"lobby"), 0.0, CameraLane(None, visits))
    await stage.work(lane)
    assert (lane.state.visits.open, lane.state.visits.offset) == ((), 7)
    assert stage.read_visits().offset == 7


async def test_names_of_the_last_transitions_go_as_well(stage: Stage) -> None:
    visits = await stage.enters("ada")
    visits = await stage.sightings.fall_silent(visits, 4, "lobby", stage.outlet)
    stage.read_visits()
    stage.strangers = {"ada"}
    assert stage.look() == 1
    await stage.work(Lane(("t", 4, b"lobby"), 0.0, CameraLane(None, visits)))
    assert (stage.read_visits().transitions, stage.outlet.on("sightings")) == ([], [])


async def test_a_gallery_that_was_behind_is_asked_once_more(stage: Stage) -> None:
    await stage.enters("ada")
    stage.strangers = {"ada"}
    stage.look()
    stage.strangers = set()
    await stage.work()
    assert (stage.caught_up, stage.outlet.all) == (1, [])


async def test_a_camera_of_a_topic_that_was_made_anew_is_forgotten(stage: Stage) -> None:
    await stage.enters("ada")
    stage.strangers = {"ada"}
    object.__setattr__(stage.sightings, "epoch", "ffffffff")
    stage.look()
    await stage.work()
    assert stage.read_visits() is None
    assert stage.look() == 0


async def test_it_is_asked_for_once_in_five_seconds(stage: Stage) -> None:
    await stage.enters("ada")
    stage.strangers = {"ada"}
    assert [stage.look(), stage.look()] == [1, 0]
    stage.now += 5.0
    assert stage.look() == 1


@pytest.mark.parametrize("spoil", ["not ours", "not ready"])
async def test_a_camera_of_another_or_a_gallery_that_is_not_filled_is_let_be(stage: Stage, spoil: str) -> None:
    await stage.enters("ada")
    stage.strangers = {"ada"}
    if spoil == "not ours":
        stage.unnaming.assigned({3})
    stage.ready = spoil != "not ready"
    assert stage.look() == 0
