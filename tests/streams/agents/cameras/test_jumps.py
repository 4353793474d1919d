"""What is made of a partition that does not go on where it was read to."""

import asyncio

import pytest

from streams.agents.cameras import jumps
from streams.agents.cameras.jumps import Jumps
from streams.agents.journal import Journal
from streams.engine.group.positions import Jump
from streams.engine.lanes.lane import Lane
from streams.engine.outlet import FencedError
from streams.engine.request import Request
from streams.engine.topics.admin import AdminError
from streams.engine.topics.reached import Reached, RewoundError
from streams.logs.error import Repeats
from streams.wire import records
from streams.wire.headers import Deployment
from streams.wire.topics import Topics

FRAMES = "facestreams.main.camera-frames"
EPOCHS = {"camera-frames": "0123abcd", "gallery-commands": "4567cdef"}


class Bench:
    def __init__(self, outlet) -> None:
        topics = Topics()
        self.outlet = outlet
        self.jobs: list = []
        self.skipped: list[Jump] = []
        self.expired: list[tuple[str, int]] = []
        self.failed: list[BaseException] = []
        self.reached = Reached(topics, EPOCHS, lambda: 0)
        self.may_check = asyncio.Event()
        self.refusal: Exception | None = None
        self.jumps = Jumps(
            shorts={topics.name(short): short for short in EPOCHS},
            epochs=EPOCHS,
            journal=Journal(
                topics=topics,
                deployment=Deployment(account="main", app_id="77", region="eu"),
                repeats=Repeats(1000),
                clock_ms=lambda: 5000,
            ),
            reached=self.reached,
            enqueue=lambda place, job: self.jobs.append((place, job)),
            skip=self.skipped.append,
            check=self._check,
            expired=lambda short, missed: self.expired.append((short, missed)),
            fatal=self.failed.append,
        )

    async def _check(self) -> None:
        await self.may_check.wait()
        if self.refusal is not None:
            raise self.refusal

    async def run_jobs(self) -> None:
        jobs, self.jobs = self.jobs, []
        for place, job in jobs:
            assert place == (FRAMES, 3, b"")
            await job(Lane(place, 0.0), self.outlet)

    def logged(self) -> list[records.ErrorLogEntry]:
        return [records.decode(output.value, records.ErrorLogEntry) for output in self.outlet.on("error-log")]


@pytest.fixture
def bench(outlet) -> Bench:
    return Bench(outlet)


async def test_what_expired_leaves_one_record_is_counted_and_then_passed_over(bench: Bench) -> None:
    jump = Jump(FRAMES, 3, wanted=20, found=50)
    bench.jumps.jumped(jump, 1)
    assert (bench.skipped, bench.expired) == ([], [])
    await bench.run_jobs()
    [entry] = bench.logged()
    assert (entry.return_code, entry.repeats, entry.detail) == ("expired_unread", 30, "partition 3, offsets 20 to 49")
    assert (entry.event_id, entry.request_interface) == ("0123abcd-camera-frames-3-20", "recognize")
    assert (entry.camera_id, entry.input, entry.logged_at_ms) == (None, None, 5000)
    assert bench.expired == [("camera-frames", 30)]
    assert bench.skipped == [jump]


async def test_nothing_is_passed_over_before_its_record_is_out(bench: Bench) -> None:
    async def fenced(outputs) -> list:
        raise FencedError

    bench.outlet.publish = fenced
    bench.jumps.jumped(Jump(FRAMES, 3, wanted=20, found=50), 1)
    with pytest.raises(FencedError):
        await bench.run_jobs()
    assert (bench.skipped, bench.expired) == ([], [])


async def test_the_same_jump_again_is_passed_over_again_and_not_counted_twice(bench: Bench) -> None:
    for _ in range(2):
        bench.jumps.jumped(Jump(FRAMES, 3, wanted=20, found=50), 1)
        await bench.run_jobs()
    assert [entry.repeats for entry in bench.logged()] == [30]
    assert len(bench.skipped) == 2


async def test_what_went_between_two_looks_at_one_jump_is_counted_by_itself(bench: Bench) -> None:
    for found in (50, 57):
        bench.jumps.jumped(Jump(FRAMES, 3, wanted=20, found=found), 1)
    await bench.run_jobs()
    assert [entry.detail for entry in bench.logged()] == [
        "partition 3, offsets 20 to 49",
        "partition 3, offsets 50 to 56",
    ]
    assert sum(missed for _, missed in bench.expired) == 37


async def test_in_another_generation_it_is_told_anew_since_it_was_not_committed(bench: Bench) -> None:
    for generation in (1, 2):
        bench.jumps.jumped(Jump(FRAMES, 3, wanted=20, found=50), generation)
    await bench.run_jobs()
    assert [entry.repeats for entry in bench.logged()] == [30, 30]


async def test_a_partition_that_ends_below_what_was_read_here_ends_the_worker(bench: Bench) -> None:
    bench.reached.arrived(Request(FRAMES, 3, 41, 0, b"lobby", b"x", (), 1))
    bench.jumps.jumped(Jump(FRAMES, 3, wanted=42, found=0), 1)
    [error] = bench.failed
    assert isinstance(error, RewoundError)
    assert str(error).startswith(f"{FRAMES} ends before offset 42 in partition 3, up to which it was read: ")
    assert "facestreams topics new-epoch camera-frames" in str(error)


async def test_where_only_the_commit_lies_beyond_the_end_reading_waits_for_the_check_and_goes_on(bench: Bench) -> None:
    bench.jumps.jumped(Jump(FRAMES, 3, wanted=42, found=0), 1)
    reading = asyncio.create_task(bench.jumps.settled())
    await asyncio.sleep(0)
    assert not reading.done()
    bench.may_check.set()
    await reading
    assert bench.failed == []


async def test_a_commit_beyond_the_end_that_comes_again_after_some_was_read_is_still_no_rewind(bench: Bench) -> None:
    bench.may_check.set()
    bench.jumps.jumped(Jump(FRAMES, 3, wanted=42, found=0), 1)
    await bench.jumps.settled()
    bench.reached.arrived(Request(FRAMES, 3, 0, 0, b"lobby", b"x", (), 1))
    bench.jumps.jumped(Jump(FRAMES, 3, wanted=42, found=0), 2)
    await bench.jumps.settled()
    assert bench.failed == []
    bench.jumps.jumped(Jump(FRAMES, 3, wanted=1, found=0), 2)
    assert len(bench.failed) == 1


async def test_what_the_check_says_ends_the_worker_before_anything_is_read(bench: Bench) -> None:
    bench.refusal = RewoundError("camera-frames", "camera-frames ends early")
    bench.may_check.set()
    bench.jumps.jumped(Jump(FRAMES, 3, wanted=42, found=0), 1)
    await bench.jumps.settled()
    assert bench.failed == [bench.refusal]


async def test_after_an_assignment_reading_waits_until_the_ends_are_known(bench: Bench) -> None:
    bench.jumps.assigned()
    reading = asyncio.create_task(bench.jumps.settled())
    await asyncio.sleep(0.01)
    assert not reading.done()
    bench.may_check.set()
    await reading
    assert bench.failed == []


async def test_a_topic_made_anew_that_is_read_from_its_start_without_a_jump_ends_the_worker(bench: Bench) -> None:
    bench.may_check.set()
    bench.refusal = RewoundError("camera-frames", "it ends below what was read")
    bench.jumps.assigned()
    await bench.jumps.settled()
    assert bench.failed == [bench.refusal]


async def test_a_topic_that_is_away_is_asked_for_until_it_is_back(bench: Bench, monkeypatch) -> None:
    monkeypatch.setattr(jumps, "LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr(jumps, "FIRST_LOOK_S", 0.01)
    bench.may_check.set()
    bench.refusal = AdminError("there is no such topic")
    bench.jumps.assigned()
    await bench.jumps.settled()  # others are read meanwhile
    assert bench.failed == []
    bench.refusal = RewoundError("camera-frames", "it ends below what was read")
    async with asyncio.timeout(5):
        while not bench.failed:
            await asyncio.sleep(0)
    assert bench.failed == [bench.refusal]


async def test_what_is_no_answer_ends_the_worker_and_is_not_passed_over(bench: Bench) -> None:
    bench.may_check.set()
    bench.refusal = OSError("no file left")
    bench.jumps.assigned()
    await bench.jumps.settled()
    assert bench.failed == [bench.refusal]


async def test_of_an_older_assignment_nothing_is_asked_any_more(bench: Bench) -> None:
    bench.refusal = RewoundError("camera-frames", "it ends below what was read")
    bench.jumps.assigned()
    bench.jumps.stop()
    bench.may_check.set()
    await bench.jumps.settled()
    assert bench.failed == []
