"""Who drives deletions: jobs in a lane of their own, from state to state, to one receipt."""

from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from msgspec import structs
from structlog.testing import capture_logs

from models.gallery import signing
from models.gallery.keys import KeyDirectory
from streams.agents.erasure.eraser import Eraser
from streams.agents.erasure.pending import PendingErasures
from streams.agents.erasure.receipts import Receipts
from streams.agents.erasure.steps import AccountKeyMissingError
from streams.engine.brokers import KAFKA
from streams.engine.lanes.lane import Lane
from streams.engine.outlet import Output, OutputTooLargeError
from streams.engine.reading.evidence import EvidenceError
from streams.logs.billing import BillingError
from streams.wire import records
from streams.wire.headers import Deployment
from streams.wire.receipts import signature_of, signed_bytes
from streams.wire.records import Erasure, GalleryEvent
from streams.wire.topics import ERASURES, GALLERY_COMMANDS, GALLERY_EVENTS
from tests.streams.agents.erasure.conftest import COMMANDS_MS, NOW_MS, TOPICS, Read, Scene, erasure, full


@dataclass
class ScriptedSteps:
    """Says what is next, state by state; what is not there has to wait."""

    next_of: dict[str, str] = field(default_factory=dict)
    done: bool = False
    fails: dict[str, Exception] = field(default_factory=dict)
    broker = KAFKA
    clock_ms: Callable[[], int] = lambda: NOW_MS

    async def next(self, of, reading, outlet) -> Erasure | None:
        if of.event_id in self.fails:
            raise self.fails[of.event_id]
        following = self.next_of.get(of.state)
        if following is None:
            return None
        return structs.replace(of, state=following, in_sync_at_ms=NOW_MS, features=2, workers=["w"])

    async def completed(self, of, reading, outlet) -> Erasure | None:
        return of if self.done else None

    def taken_over(self, of) -> Erasure:
        return structs.replace(of, driven_since_ms=self.clock_ms())


@dataclass
class KeptLanes:
    jobs: list = field(default_factory=list)
    lane: Lane | None = None

    def find(self, place):
        return self.lane

    def enqueue(self, place, job) -> None:
        self.jobs.append((place, job))


class Stage(Scene):
    def __init__(self, keys: KeyDirectory) -> None:
        super().__init__()
        self.script = ScriptedSteps(clock_ms=lambda: self.now_ms)
        self.script.bytes_gone = self.bytes_gone
        self.pending = PendingErasures(lambda each: None, partitions=2)
        self.lanes = KeptLanes()
        self.now_s = 0.0
        self.ready = True
        self.away = False
        deployment = Deployment(account="main", app_id="77", region="eu")
        self.eraser = Eraser(
            topics=TOPICS,
            pending=self.pending,
            view=self,
            steps=self.script,
            receipts=Receipts(
                topics=TOPICS, deployment=deployment, keys=keys, broker=KAFKA, clock_ms=lambda: self.now_ms
            ),
            evidence=self,
            lanes=self.lanes,
            is_ready=lambda: self.ready,
            clock=lambda: self.now_s,
        )
        self.eraser.assigned({1})
        self.look.config = {
            "cleanup.policy": "delete",
            "retention.ms": "604800000",
            "segment.ms": "86400000",
            "message.timestamp.type": "LogAppendTime",
        }
        self.look_once = self.look
        self.look = self._look

    @asynccontextmanager
    async def _look(self):
        if self.away:
            raise EvidenceError("no broker answers")
        yield self.look_once

    async def reached(self, partition: int, next_offset: int) -> None:
        """As the view of erasures: what was written is read."""
        for output in self.outlet.batches[-1]:
            if output.topic == full(ERASURES):
                self.pending.apply(Read(output.key, output.value))

    async def catch_up(self) -> None:
        pass

    def deletion(self, **changes) -> None:
        self.pending.apply(Read(b"e", records.encode(erasure(**changes))))

    def look_now(self) -> int:
        self.lanes.jobs.clear()
        self.eraser.look()
        return len(self.lanes.jobs)

    async def work(self) -> None:
        [(place, job)] = self.lanes.jobs
        assert place == (full(GALLERY_COMMANDS), 1, b"~erasure")
        await job(Lane(place, 0.0), self.outlet)


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> KeyDirectory:
    return KeyDirectory.create(tmp_path_factory.mktemp("k") / "keys")


@pytest.fixture
def stage(keys) -> Stage:
    return Stage(keys)


def states(stage: Stage) -> list[str]:
    return [records.decode(each.value, Erasure).state for each in stage.outlet.all if each.topic == full(ERASURES)]


async def test_it_goes_as_far_as_it_comes_and_each_state_stands_on_the_topic(stage: Stage) -> None:
    stage.deletion()
    stage.script.next_of = {"accepted": "tombstoned", "tombstoned": "swept"}
    assert stage.look_now() == 1
    await stage.work()
    assert states(stage) == ["tombstoned", "swept"]
    assert {each.key for each in stage.outlet.all} == {erasure().event_id.encode()}


@pytest.mark.parametrize("spoil", ["none", "another's", "not ready", "under way"])
def test_nothing_is_set_to_work_without_need(stage: Stage, spoil: str) -> None:
    if spoil != "none":
        stage.deletion(event_id="0a0b0c0d-gallery-commands-0-7" if spoil == "another's" else erasure().event_id)
    stage.ready = spoil != "not ready"
    if spoil == "under way":
        stage.lanes.lane = Lane(("t", 1, b"~erasure"), 0.0)
        stage.lanes.lane.tail = type("Busy", (), {"done": lambda self: False})()
    assert stage.look_now() == 0


async def test_what_waits_for_the_brokers_disks_is_asked_about_every_five_seconds(stage: Stage) -> None:
    stage.deletion(state="confirmed", in_sync_at_ms=NOW_MS)
    assert stage.look_now() == 1
    await stage.work()
    stage.now_s = 4.9
    assert stage.look_now() == 0
    stage.deletion(event_id="0a0b0c0d-gallery-commands-1-9")  # but another must not wait for that
    stage.now_s = 5.0
    assert stage.look_now() == 1
    await stage.work()
    stage.now_s = 6.0
    assert stage.look_now() == 1


async def test_one_that_does_not_move_is_looked_at_ever_more_seldom(stage: Stage) -> None:
    assert await looked_at(stage, seconds=20) == [0, 1, 3, 7, 12, 17]


@pytest.mark.parametrize(
    "why",
    [
        BillingError("no bill"),
        AccountKeyMissingError("ak-0"),
        OutputTooLargeError(Output(topic=ERASURES, key=b"e", value=b"too much")),
    ],
)
async def test_one_that_cannot_go_on_does_not_hold_up_those_behind_it(stage: Stage, why: Exception) -> None:
    stage.script.fails = {erasure().event_id: why}
    stage.deletion(requested_at_ms=1)
    stage.deletion(event_id="0a0b0c0d-gallery-commands-1-9")
    stage.script.next_of = {"accepted": "tombstoned"}
    stage.look_now()
    with capture_logs() as logs:
        await stage.work()
    assert [entry["reason"] for entry in logs if entry["event"] == "a deletion has to wait"] == [str(why)]
    assert stage.pending.newest("0a0b0c0d-gallery-commands-1-9").state == "tombstoned"
    assert stage.pending.newest(erasure().event_id).state == "accepted"


async def test_one_that_cannot_go_on_is_tried_once_a_minute_at_last(stage: Stage) -> None:
    stage.script.fails = {erasure().event_id: BillingError("no bill")}
    assert await looked_at(stage, seconds=200) == [0, 1, 3, 7, 15, 31, 63, 123, 183]


async def looked_at(stage: Stage, seconds: int) -> list[int]:
    """In which seconds the deletion is worked at."""
    stage.deletion()
    found = []
    for second in range(seconds):
        stage.now_s = float(second)
        if stage.look_now():
            found.append(second)
            await stage.work()
    return found


def takeovers(stage: Stage) -> list[int]:
    """When the deletion was taken over, as its records say."""
    said = [records.decode(each.value, Erasure) for each in stage.outlet.all if each.topic == full(ERASURES)]
    return [each.driven_since_ms - NOW_MS for each in said]


async def test_who_takes_a_deletion_over_says_so_and_a_rebalance_that_leaves_it_there_changes_nothing(stage) -> None:
    stage.deletion(state="confirmed", in_sync_at_ms=NOW_MS, updated_at_ms=NOW_MS - 7)
    seen = []
    for at_ms, ours in ((0, {1}), (1, {0, 1}), (2, {1}), (3, {0}), (4, {1})):
        stage.now_ms = NOW_MS + at_ms
        stage.eraser.assigned(ours)
        seen.append(stage.look_now())
        if stage.lanes.jobs:
            await stage.work()
    assert seen == [1, 1, 1, 0, 1]
    assert takeovers(stage) == [0, 4]
    assert stage.pending.newest(erasure().event_id).updated_at_ms == NOW_MS - 7  # tombstones are repeated by that


async def test_who_was_ousted_in_between_takes_it_over_again(stage: Stage) -> None:
    """It missed a whole generation: its own partitions are those of before."""
    stage.deletion(state="confirmed", in_sync_at_ms=NOW_MS)
    stage.look_now()
    await stage.work()
    stage.deletion(state="confirmed", in_sync_at_ms=NOW_MS, driven_since_ms=NOW_MS + 1)
    stage.now_ms = NOW_MS + 2
    stage.eraser.assigned({1})
    stage.look_now()
    await stage.work()
    assert takeovers(stage) == [0, 2]


async def test_a_rebalance_does_not_begin_the_wait_for_the_commands_bytes_anew(stage: Stage) -> None:
    """As long as its partition stays here; and what others have completed meanwhile is kept no longer."""
    gone, left = erasure(state="confirmed"), erasure(event_id="0a0b0c0d-gallery-commands-1-5", state="confirmed")
    look = stage.look_once
    look.config, look.starts_of = {}, {full(GALLERY_COMMANDS): {0: 0, 1: 8}}
    for each in (gone, left):
        stage.deletion(event_id=each.event_id, state="confirmed")
        assert not await stage.bytes_gone.of_command(each, look)
    stage.deletion(event_id=left.event_id, state="completed")
    stage.now_ms += COMMANDS_MS
    stage.eraser.assigned({0, 1})
    assert await stage.bytes_gone.of_command(gone, look)
    assert not await stage.bytes_gone.of_command(left, look)


async def test_an_account_takes_the_records_of_its_other_deletions_with_it(stage: Stage) -> None:
    other = "0a0b0c0d-gallery-commands-0-2"
    stage.deletion(event_id=other, state="completed")
    stage.deletion(state="confirmed", in_sync_at_ms=NOW_MS, scope="account", gallery=None, person=None)
    stage.script.done = True
    stage.look_now()
    await stage.work()
    written = [(each.key.decode(), each.value is None) for each in stage.outlet.all if each.topic == full(ERASURES)]
    assert written == [(erasure().event_id, False), (other, True), (erasure().event_id, False)]
    receipt = records.decode(stage.outlet.all[2].value, GalleryEvent).receipt
    assert set(receipt.later) == {"recognitions", "sightings", "gallery-events"}


async def test_the_receipt_and_the_last_record_go_out_at_once(stage: Stage, keys) -> None:
    stage.deletion(state="confirmed", in_sync_at_ms=NOW_MS, features=2, persons=1, workers=["w"], silent=["x"])
    stage.script.done = True
    stage.look_now()
    await stage.work()
    _taken_over, (answer, last) = stage.outlet.batches
    event = records.decode(answer.value, GalleryEvent)
    receipt = event.receipt
    assert (answer.topic, answer.key, event.code, event.accepted) == (full(GALLERY_EVENTS), b"r1", "forgotten", True)
    assert (receipt.persons, receipt.features, receipt.workers, receipt.silent) == (1, 2, ["w"], ["x"])
    assert (receipt.requested_at_ms, receipt.completed_at_ms, receipt.region) == (NOW_MS - 500, NOW_MS, "eu")
    expires_ms = NOW_MS + 604_800_000 + 86_400_000 + 300_000 + 5_000
    assert receipt.later == dict.fromkeys(("recognitions", "sightings", "gallery-events"), expires_ms)
    assert signing.verify(keys.verify_keys()[receipt.key_id], signed_bytes(receipt), signature_of(receipt))
    completed = records.decode(last.value, Erasure)
    assert (completed.state, completed.in_sync_at_ms) == ("completed", NOW_MS), "from when its bound counted"
    assert len(stage.pending) == 0
    assert stage.look_now() == 0


async def test_nothing_is_complete_while_a_copy_is_away(stage: Stage) -> None:
    stage.deletion(state="confirmed", in_sync_at_ms=None)
    stage.script.done = True
    stage.look_now()
    await stage.work()
    assert states(stage) == ["confirmed"]  # it is taken over
    assert [each.topic for each in stage.outlet.all] == [full(ERASURES)]


async def test_a_broker_that_is_away_is_no_failure(stage: Stage) -> None:
    stage.deletion()
    stage.away = True
    stage.look_now()
    with capture_logs() as logs:
        await stage.work()
    assert [(entry["event"], entry["reason"]) for entry in logs] == [("deletions have to wait", "no broker answers")]
    assert stage.look_now() == 0
    stage.now_s = 1.0
    assert stage.look_now() == 1
