"""Cameras that send nothing any more: when their visits end, when they are forgotten, and when neither may be."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from streams.agents.cameras.recognition import CameraLane
from streams.agents.cameras.sightings import Sightings, VisitsView
from streams.agents.cameras.silence import Silence
from streams.agents.cameras.visits import FrameOf, Visits, VisitSettings
from streams.engine.lanes.lane import Lane
from streams.wire.headers import Deployment
from streams.wire.topics import Topics

DEPLOYMENT = Deployment(account="main", app_id="77", region="eu")

EPOCH = "0a0b0c0d"


@dataclass
class Read:
    key: bytes
    value: bytes | None
    partition: int = 0


@dataclass
class OneLane:
    """Lanes with at most one lane; jobs are kept, to be run by the test."""

    lane: Lane | None = None
    jobs: list[Callable[..., Awaitable[None]]] = field(default_factory=list)

    def find(self, place) -> Lane | None:
        return self.lane

    def enqueue(self, place, job) -> None:
        self.jobs.append(job)


class Scene:
    """A camera on partition 4 in front of which ada stands, seen through the visits topic."""

    def __init__(self, view, outlet, face) -> None:
        self.now = 100.0
        self.heard = self.read_all = True
        self.outlet, self.face = outlet, face
        self.lanes = OneLane()
        self.sightings = Sightings(
            topics=Topics(),
            deployment=DEPLOYMENT,
            epoch=EPOCH,
            settings=VisitSettings(),
            newest=VisitsView(1),
            view=view,
            knows=lambda gallery, person_id: True,
        )
        self.silence = Silence(
            sightings=self.sightings,
            lanes=self.lanes,
            hears=lambda topic, partition: self.heard,
            caught_up=lambda topic, partition: self.read_all,
            after_s=10,
            forget_after_s=600,
            clock=lambda: self.now,
        )
        self.silence.assigned({4})

    async def ada_enters(self) -> Visits:
        frame = FrameOf(
            camera_id="lobby",
            deployment=DEPLOYMENT,
            gallery="default",
            ref=f"{EPOCH}-camera-frames-4-7",
            offset=7,
            at_ms=1000,
        )
        visits = await self.sightings.see(Visits(), [self.face("ada")], frame, 4, self.outlet)
        self.apply_visits()
        return visits

    def apply_visits(self) -> None:
        written = self.outlet.on("visits")[-1]
        self.sightings.newest.apply(Read(written.key, written.value))

    def look(self) -> int:
        self.lanes.jobs.clear()
        self.silence.look()
        return len(self.lanes.jobs)


@pytest.fixture
def scene(view, outlet, face) -> Scene:
    return Scene(view, outlet, face)


async def test_visits_end_once_the_time_is_over(scene) -> None:
    await scene.ada_enters()
    scene.now += 9.9
    assert scene.look() == 0
    scene.now += 0.1
    assert scene.look() == 1
    scene.outlet.batches.clear()
    await scene.lanes.jobs[0](Lane(("t", 4, b"lobby"), scene.now), scene.outlet)
    scene.apply_visits()
    assert scene.look() == 0
    reasons = [b'"reason":"silent"' in each.value for each in scene.outlet.on("sightings")]
    assert reasons[-1]


async def test_a_lane_that_was_active_counts_from_then_and_its_own_visits_end(scene) -> None:
    visits = await scene.ada_enters()
    scene.lanes.lane = Lane(("t", 4, b"lobby"), 105.0, CameraLane(None, visits))
    scene.now = 114.9
    assert scene.look() == 0
    scene.now = 115.0
    assert scene.look() == 1
    await scene.lanes.jobs[0](scene.lanes.lane, scene.outlet)
    assert scene.lanes.lane.state.visits.open == ()


@pytest.mark.parametrize("spoil", ["unread", "not ours", "other epoch", "busy"])
async def test_nothing_ends_where_silence_is_not_certain(scene, spoil) -> None:
    await scene.ada_enters()
    scene.now += 60
    if spoil == "unread":
        scene.read_all = False
    elif spoil == "not ours":
        scene.silence.assigned({3})
    elif spoil == "other epoch":
        object.__setattr__(scene.sightings, "epoch", "ffffffff")
    else:
        scene.lanes.lane = Lane(("t", 4, b"lobby"), 0.0)
        scene.lanes.lane.tail = type("Busy", (), {"done": lambda self: False})()
    assert scene.look() == 0


async def test_a_time_in_which_the_broker_said_nothing_is_not_silence(scene) -> None:
    await scene.ada_enters()
    scene.now += 9
    scene.heard = False
    assert scene.look() == 0
    scene.now += 20  # the broker was away, or this process stood still
    assert scene.look() == 0
    scene.heard = True
    scene.now += 9.9
    assert scene.look() == 0
    scene.now += 0.1
    assert scene.look() == 1


async def test_a_camera_is_forgotten_on_the_topic_too(scene) -> None:
    visits = await scene.ada_enters()
    await scene.sightings.fall_silent(visits, 4, "lobby", scene.outlet)
    scene.apply_visits()
    scene.now += 599
    assert scene.look() == 0
    scene.now += 1
    assert scene.look() == 1
    lane = Lane(("t", 4, b"lobby"), scene.now, CameraLane(None, Visits()))
    await scene.lanes.jobs[0](lane, scene.outlet)
    assert scene.outlet.on("visits")[-1].value is None
    assert lane.state is None
    scene.apply_visits()
    assert scene.sightings.newest.all() == []


async def test_what_an_input_topic_that_was_made_anew_has_left_is_forgotten(scene) -> None:
    await scene.ada_enters()
    object.__setattr__(scene.sightings, "epoch", "ffffffff")
    scene.now += 599
    assert scene.look() == 0
    scene.now += 1
    assert scene.look() == 1
    await scene.lanes.jobs[0](Lane(("t", 4, b"lobby"), scene.now), scene.outlet)
    assert scene.outlet.on("visits")[-1].value is None
