"""The recognition agent: what goes out for a frame, in which order, and what a failing model leaves."""

import asyncio
import re
from dataclasses import dataclass, field, replace
from threading import Event

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from models import abort
from models.errors import PictureCode, PictureError
from models.types import Face, FrameResult
from streams.agents.cameras.frames import FrameReader
from streams.agents.cameras.recognition import DEADLINE_TRIES, RecognitionAgent
from streams.agents.cameras.sightings import Sightings, VisitsView
from streams.agents.cameras.visits import VisitSettings
from streams.agents.journal import Journal
from streams.agents.opened_log import Opener
from streams.agents.pool import Pool
from streams.engine.lanes.lane import Lane
from streams.engine.lanes.lanes import TRIES, Lanes
from streams.engine.lease import Lease
from streams.engine.outlet import DirectOutlet, Outlet
from streams.engine.request import Request
from streams.logs.error import Repeats
from streams.wire import records
from streams.wire.codes import Code
from streams.wire.headers import Deployment
from streams.wire.records import ErrorLogEntry, ModelNames, Received, Recognition, RunningLogEntry, Timings
from streams.wire.topics import Topics
from tests.streams.agents.conftest import KeptOutlet


@dataclass
class Scripted:
    """A recognizer that sees one face, or those it is given, and for the values it is told to raises, or does not end.

    undecodable: those that are no pictures either. endless: until it is told to end. deaf: whatever it is told,
    until the event.
    """

    face: object
    faces: tuple[Face, ...] = ()
    broken: set[bytes] = field(default_factory=set)
    undecodable: set[bytes] = field(default_factory=set)
    endless: set[bytes] = field(default_factory=set)
    deaf: dict[bytes, Event] = field(default_factory=dict)
    seen: list[tuple[bytes, str, int]] = field(default_factory=list)
    cameras: list[object] = field(default_factory=list)

    def new_camera(self) -> object:
        return object()

    def check(self, encoded: bytes) -> None:
        if encoded in self.undecodable:
            raise PictureError(PictureCode.TRUNCATED, "too short")

    def recognize(self, encoded, camera, gallery, *, frame_ref, at_ms) -> FrameResult:
        self.seen.append((encoded, frame_ref, at_ms))
        self.cameras.append(camera)
        if encoded in self.deaf:
            self.deaf[encoded].wait()
        while encoded in self.endless:
            abort.check()
        if encoded in self.broken:
            raise ZeroDivisionError("the model said no")
        timings = {"decode": 0.0021, "detect": 0.0048, "follow": 0.0001, "encode": 0.0, "match": 0.0002}
        return FrameResult(640, 360, "image/jpeg", self.faces or (self.face("ada"),), timings, 1)


@dataclass
class Observed:
    recognised_frames: list[Recognition] = field(default_factory=list)
    refused_frames: list[tuple[str | None, Code]] = field(default_factory=list)
    skipped_frames: list[str] = field(default_factory=list)

    def recognised(self, record: Recognition, result: FrameResult) -> None:
        self.recognised_frames.append(record)

    def skipped(self, camera_id: str) -> None:
        self.skipped_frames.append(camera_id)

    def refused(self, camera_id: str | None, code: Code) -> None:
        self.refused_frames.append((camera_id, code))


DATA_KEYS = {"ada": b"a" * 32, "ben": b"b" * 32}


class NoGalleries:
    def get(self, name: str) -> None:
        return None


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
def recognizer(face) -> Scripted:
    return Scripted(face)


@pytest.fixture
def agent(recognizer, observed, view, pool):
    topics, deployment = Topics(), Deployment(account="main", app_id="77", region="eu")
    return RecognitionAgent(
        topics=topics,
        reader=FrameReader(deployment=deployment, epoch="0a0b0c0d", galleries_of=lambda camera_id: ("default",)),
        recognizer=recognizer,
        galleries=NoGalleries(),
        data_keys=lambda gallery, person_id: DATA_KEYS.get(person_id),
        pool=pool,
        sightings=Sightings(
            topics=topics,
            deployment=deployment,
            epoch="0a0b0c0d",
            settings=VisitSettings(),
            newest=VisitsView(1),
            view=view,
            knows=lambda gallery, person_id: True,
        ),
        journal=Journal(
            topics=topics,
            deployment=deployment,
            repeats=Repeats(1e6),
            clock_ms=lambda: 2000,
        ),
        models=ModelNames(detector="d", encoder="e", template_key="tk"),
        observer=observed,
        clock_ms=lambda: 2000,
    )


def request(offset: int = 0, value: bytes = b"picture") -> Request:
    return Request("frames", 3, offset, 1000 + offset, b"lobby", value, (("frame_id", b"f"),), 1, token=offset)


def lanes_over(agent, outlet, acknowledged: list[object]) -> Lanes:
    lease = Lease(session_timeout_s=10, rebalance_timeout_s=6, clock=lambda: 0.0)
    lease.assign(1)

    async def send(output) -> asyncio.Future:
        answer = asyncio.get_running_loop().create_future()
        if output.topic.rsplit(".", 1)[1] in outlet.too_small:
            answer.set_exception(MessageSizeTooLargeError())
        else:
            answer.set_result((await outlet.publish([output]))[0])
        return answer

    return Lanes(
        {"frames": agent},
        outlet=lambda _topic, _partition, generation: DirectOutlet(send, lease, generation, timeout_s=5),
        lease=lease,
        acknowledge=acknowledged.append,
        abandon=lambda token: None,
        fatal=lambda error: pytest.fail(repr(error)),
        max_in_flight=4,
        max_lanes=10,
    )


async def test_visits_then_sightings_then_the_rest(agent, outlet, observed) -> None:
    await agent.handle(request(), Lane(("frames", 3, b"lobby"), 0.0), outlet)
    names = [[output.topic.rsplit(".", 1)[1] for output in batch] for batch in outlet.batches]
    assert names == [["visits"], ["sightings"], ["recognitions", "running-log"]]
    [output] = outlet.on("running-log")
    assert output.partition == 3
    assert [each.event_id for each in observed.recognised_frames] == ["0a0b0c0d-camera-frames-3-0"]


async def test_the_record_holds_fractions_milliseconds_and_rounded_numbers(agent, outlet, recognizer) -> None:
    await agent.handle(request(7), Lane(("frames", 3, b"lobby"), 0.0), outlet)
    record = records.decode(outlet.on("recognitions")[0].value, Recognition)
    assert (record.event_id, record.received_at_ms, record.processed_at_ms) == (
        "0a0b0c0d-camera-frames-3-7",
        1007,
        2000,
    )
    assert record.timings_ms == Timings(decode=2.1, detect=4.8, encode=0.0, match=0.2)
    [face] = record.faces
    assert (face.box.left, face.box.top, face.box.width, face.box.height) == (0.1, 0.2, 0.3, 0.4)
    assert face.landmarks == [(0.25, 0.25)] * 5
    assert (face.quality.yaw_deg, face.match.threshold, face.match.similarity) == (3.0, 0.4235, 0.7)
    assert recognizer.seen == [(b"picture", "0a0b0c0d-camera-frames-3-7", 1007)]


async def test_a_frame_on_which_the_model_raises_leaves_its_records_and_the_next_is_recognised(
    agent, outlet, recognizer, observed
) -> None:
    recognizer.broken.add(b"poison")
    acknowledged: list[object] = []
    lanes = lanes_over(agent, outlet, acknowledged)
    await lanes.submit(request(0, b"poison"))
    await lanes.submit(request(1))
    await lanes.drain()

    assert [value for value, _, _ in recognizer.seen] == [b"poison"] * TRIES + [b"picture"]
    [failure] = [records.decode(each.value, ErrorLogEntry) for each in outlet.on("error-log")]
    assert (failure.return_code, failure.algorithm_output, failure.camera_id) == (
        "internal_error",
        "ZeroDivisionError",
        "lobby",
    )
    assert failure.input is not None
    assert (failure.input.value_bytes, failure.input.parameters) == (6, {"frame_id": "f"})
    assert (failure.upstream, failure.downstream) == ("camera-frames read", "not reached")
    assert failure.received == Received(partition=3, offset=0, age_ms=1000, attempt=TRIES)
    entries = [records.decode(each.value, RunningLogEntry) for each in outlet.on("running-log")]
    assert [(each.return_code, each.billed) for each in entries] == [("internal_error", True), ("ok", True)]
    assert len(outlet.on("recognitions")) == 1
    assert acknowledged == [0, 1]
    assert observed.refused_frames == [("lobby", Code.INTERNAL_ERROR)]


async def test_a_frame_on_which_the_model_does_not_end_leaves_its_records_and_the_next_is_recognised(
    agent, outlet, recognizer, observed
) -> None:
    recognizer.endless.add(b"poison")
    agent = replace(agent, pool=Pool(1, timeout_s=0.2, fatal=lambda error: pytest.fail(repr(error))))
    acknowledged: list[object] = []
    lanes = lanes_over(agent, outlet, acknowledged)
    for offset, value in enumerate([b"picture", b"poison", b"picture"]):
        await lanes.submit(request(offset, value))
    await lanes.drain()

    assert [value for value, _, _ in recognizer.seen] == [b"picture"] + [b"poison"] * DEADLINE_TRIES + [b"picture"]
    first, tried, again, after = recognizer.cameras
    assert first is tried
    assert len({id(tried), id(again), id(after)}) == 3, "a thread may still have hold of the state: it starts anew"
    [failure] = [records.decode(each.value, ErrorLogEntry) for each in outlet.on("error-log")]
    assert (failure.return_code, failure.detail, failure.output) == (
        "timed_out",
        "recognition did not end within 0.2 s",
        "given up, 0 faces",
    )
    assert (failure.algorithm_output, failure.measured.timeout_s) == ("not ended", 0.2)
    entries = [records.decode(each.value, RunningLogEntry) for each in outlet.on("running-log")]
    assert [(each.return_code, each.billed) for each in entries] == [("ok", True), ("timed_out", True), ("ok", True)]
    assert acknowledged == [0, 1, 2]
    assert observed.refused_frames == [("lobby", Code.TIMED_OUT)]


async def test_a_failure_of_ours_is_not_billed_where_the_picture_could_not_have_been_decoded(
    agent, outlet, recognizer
) -> None:
    recognizer.broken.add(b"poison")
    recognizer.undecodable.add(b"poison")
    lane = Lane(("frames", 3, b"lobby"), 0.0)
    await agent.fail(request(0, b"poison"), lane, outlet, ZeroDivisionError())
    await agent.fail(replace(request(1), key=None), lane, outlet, ZeroDivisionError())
    await agent.fail(request(2), lane, outlet, ZeroDivisionError())
    entries = [records.decode(each.value, RunningLogEntry) for each in outlet.on("running-log")]
    assert [each.billed for each in entries] == [False, False, True]


async def test_the_running_log_names_whom_it_saw_to_who_holds_their_keys_alone(agent, outlet, recognizer, face) -> None:
    recognizer.faces = (face("ben", "t1"), face("ada", "t2"), face(None, "t3"), face("gone", "t4"), face("ada", "t5"))
    await agent.handle(request(), Lane(("frames", 3, b"lobby"), 0.0), outlet)
    [output] = outlet.on("running-log")
    entry = records.decode(output.value, RunningLogEntry)
    assert not [name for name in ("ada", "ben", "gone", "t1", "t2", "t4", "t5") if f'"{name}"'.encode() in output.value]
    opened = Opener(DATA_KEYS.values()).open(entry)
    assert {each.person_id: [face.track_id for face in each.results] for each in opened.persons} == {
        "ada": ["t2", "t5"],
        "ben": ["t1"],
    }
    assert ([(each.track_id, each.similarity) for each in entry.results], opened.erased) == ([("t3", None)], 0)
    assert [each.locator for each in entry.persons] == sorted(each.locator for each in entry.persons)


async def test_a_result_that_a_topic_does_not_take_leaves_its_records_and_is_billed(
    agent, outlet, recognizer, observed
) -> None:
    outlet.too_small.add("recognitions")
    acknowledged: list[object] = []
    lanes = lanes_over(agent, outlet, acknowledged)
    await lanes.submit(request(0))
    await lanes.drain()

    assert len(recognizer.seen) == 1, "once more would come to the same"
    [failure] = [records.decode(each.value, ErrorLogEntry) for each in outlet.on("error-log")]
    assert (failure.return_code, failure.downstream, failure.output) == (
        "output_too_large",
        "recognitions MessageSizeTooLargeError, running-log taken, sightings taken, visits taken",
        "recognised, not written, 1 faces",
    )
    assert (failure.algorithm_output, failure.measured.faces, failure.measured.best_confidence) == (
        "recognised",
        1,
        0.9,
    )
    assert re.fullmatch(r"\S+recognitions takes no record of \d+ bytes", failure.detail)
    entries = [records.decode(each.value, RunningLogEntry) for each in outlet.on("running-log")]
    assert [(each.return_code, each.billed) for each in entries] == [("ok", True), ("output_too_large", True)]
    assert len({each.event_id for each in entries}) == 1, "the second takes the place of the first"
    assert acknowledged == [0]
    assert observed.refused_frames == [("lobby", Code.OUTPUT_TOO_LARGE)]


async def test_visits_outlive_a_frame_that_timed_out(agent, outlet, recognizer) -> None:
    agent = replace(agent, pool=Pool(1, timeout_s=0.2, fatal=lambda error: pytest.fail(repr(error))))
    recognizer.endless.add(b"poison")
    lane = Lane(("frames", 3, b"lobby"), 0.0)
    await agent.handle(request(0), lane, outlet)
    visits = lane.state.visits
    assert visits.open
    await agent.handle(request(1, b"poison"), lane, outlet)
    assert lane.state.visits is visits


async def test_a_computation_that_cannot_be_ended_is_not_begun_again(agent, outlet, recognizer) -> None:
    released = Event()
    recognizer.deaf[b"poison"] = released
    agent = replace(agent, pool=Pool(2, timeout_s=0.2, fatal=lambda error: pytest.fail(repr(error))))
    await agent.handle(request(0, b"poison"), Lane(("frames", 3, b"lobby"), 0.0), outlet)
    released.set()
    assert [value for value, _, _ in recognizer.seen] == [b"poison"]
    [failure] = [records.decode(each.value, ErrorLogEntry) for each in outlet.on("error-log")]
    assert failure.detail == "recognition did not end within 0.2 s and cannot be ended"


class SkipsAll:
    """An age limit that every frame is over; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def skips(self, request: Request, outlet: Outlet) -> bool:
        self.asked.append(request.offset)
        return True


async def test_a_skipped_frame_leaves_one_entry_that_is_not_billed_and_nothing_is_looked_at(
    agent, outlet, recognizer, observed
) -> None:
    lane = Lane(("frames", 3, b"lobby"), 0.0)
    await agent.handle(request(0), lane, outlet)
    visits, before = lane.state.visits, len(outlet.all)
    await replace(agent, age=SkipsAll()).handle(request(1, b"not a picture"), lane, outlet)

    [output] = outlet.all[before:]
    assert (output.topic, output.partition) == ("facestreams.main.running-log", 3)
    entry = records.decode(output.value, RunningLogEntry)
    assert (entry.event_id, entry.return_code, entry.billed, entry.camera_id, entry.results) == (
        "0a0b0c0d-camera-frames-3-1",
        "too_old",
        False,
        "lobby",
        [],
    )
    assert len(recognizer.seen) == 1
    assert lane.state.visits is visits, "who was in front of the camera may still be"
    assert (observed.skipped_frames, observed.refused_frames) == (["lobby"], [])


async def test_a_frame_that_was_begun_is_not_skipped_when_it_is_tried_again(agent, outlet, recognizer) -> None:
    lane = Lane(("frames", 3, b"lobby"), 0.0)
    recognizer.broken.add(b"poison")
    with pytest.raises(ZeroDivisionError):
        await agent.handle(request(1, b"poison"), lane, outlet)
    limit = SkipsAll()
    with pytest.raises(ZeroDivisionError):
        await replace(agent, age=limit).handle(request(1, b"poison"), lane, outlet)
    assert limit.asked == []
    await replace(agent, age=limit).handle(request(2), lane, outlet)
    assert limit.asked == [2]


async def test_nothing_of_a_picture_is_in_any_record_of_a_refused_frame(agent, outlet: KeptOutlet) -> None:
    marker = b"\xff\xd8\xff picture bytes that may go nowhere"
    agent.recognizer.broken.add(marker)
    lane = Lane(("frames", 3, b"lobby"), 0.0)
    with pytest.raises(ZeroDivisionError):
        await agent.handle(request(0, marker), lane, outlet)
    await agent.fail(request(0, marker), lane, outlet, ZeroDivisionError(marker))
    assert outlet.all
    for output in outlet.all:
        assert b"picture bytes" not in output.value
