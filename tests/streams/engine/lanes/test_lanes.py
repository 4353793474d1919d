"""Lanes: order within a key, keys side by side, nothing acknowledged before it is out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from streams.engine import outlet
from streams.engine.lanes import waiting
from streams.engine.lanes.lane import Lane
from streams.engine.lanes.lanes import LANE_SHARE, TRIES, CancelledWithinError, Lanes
from streams.engine.outlet import DirectOutlet, Outlet, Output, PublishTimeoutError
from streams.engine.request import Request
from streams.wire.headers import MAX_HEADER_BYTES
from streams.wire.topics import FILLER_KEY


@dataclass
class Scripted:
    """Publishes one output a request; `gate` holds requests back, `broken` offsets raise."""

    broken: dict[int, int] = field(default_factory=dict)
    gates: dict[int, asyncio.Event] = field(default_factory=dict)
    began: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    states: list[object] = field(default_factory=list)

    async def handle(self, request: Request, lane: Lane, outlet: Outlet) -> None:
        self.began.append(request.offset)
        if request.offset in self.gates:
            await self.gates[request.offset].wait()
        if self.broken.get(request.offset, 0) > 0:
            self.broken[request.offset] -= 1
            raise ValueError("scripted")
        lane.state = (lane.state or 0) + 1  # type: ignore[operator]
        self.states.append(lane.state)
        await outlet.publish([Output(topic="out", key=request.key, value=str(request.offset).encode())])

    async def fail(self, request: Request, lane: Lane, outlet: Outlet, error: Exception) -> None:
        self.failed.append(request.offset)
        await outlet.publish([Output(topic="errors", key=None, value=repr(error).encode())])


@dataclass
class Bench:
    lanes: Lanes
    handler: Scripted
    acknowledged: list[int]
    abandoned: list[int]
    fatal: list[BaseException]


@pytest.fixture
def bench(producer, lease) -> Callable[..., Bench]:
    def make(handler: Scripted | None = None, **changes: object) -> Bench:
        handler = handler or Scripted()
        acknowledged: list[int] = []
        abandoned: list[int] = []
        fatal: list[BaseException] = []
        settings = {"max_in_flight": 8, "max_lanes": 100, "publish_timeout_s": 0.05} | changes
        timeout_s = settings.pop("publish_timeout_s")
        lanes = Lanes(
            {"frames": handler},
            outlet=lambda _topic, _partition, generation: DirectOutlet(
                producer.send, lease, generation, timeout_s=timeout_s
            ),
            lease=lease,
            acknowledge=acknowledged.append,
            abandon=abandoned.append,
            fatal=fatal.append,
            **settings,
        )
        return Bench(lanes, handler, acknowledged, abandoned, fatal)

    return make


async def test_a_key_is_handled_in_order_and_keys_side_by_side(bench, request_at, producer) -> None:
    handler = Scripted(gates={0: asyncio.Event()})
    b = bench(handler)
    for offset, key in enumerate([b"a", b"a", b"b"]):
        await b.lanes.submit(request_at(offset, key))
    while len(producer.taken) < 1:
        await asyncio.sleep(0)
    assert handler.began == [0, 2]
    assert b.acknowledged == []
    handler.gates[0].set()
    await b.lanes.drain()
    assert handler.began == [0, 2, 1]
    assert b.acknowledged == [0, 1, 2]


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_is_in_flight_is_bounded(bench, request_at) -> None:
    handler = Scripted(gates={0: asyncio.Event(), 1: asyncio.Event()})
    b = bench(handler, max_in_flight=2)
    for offset, key in enumerate([b"a", b"b", b"c"]):
        await b.lanes.submit(request_at(offset, key))
    await settle()
    assert (handler.began, b.lanes.in_flight, b.lanes.waits("frames", 0)) == ([0, 1], 2, True)
    handler.gates[1].set()
    await settle()
    assert (handler.began, b.lanes.waits("frames", 0)) == ([0, 1, 2], False)
    handler.gates[0].set()
    await b.lanes.drain()
    assert b.acknowledged == [0, 1, 2]


async def test_a_key_takes_no_more_than_its_share_of_the_slots(bench, request_at) -> None:
    handler = Scripted(gates={0: asyncio.Event()})
    b = bench(handler, max_in_flight=LANE_SHARE + 1)
    for offset in range(10):
        await b.lanes.submit(request_at(offset, b"flood"))
    await b.lanes.submit(request_at(20, b"calm", partition=1))
    await settle()
    assert handler.began == [0, 20], "another partition's key is not held up"
    assert b.acknowledged == [20]
    assert b.lanes.full() == {("frames", 0)}
    handler.gates[0].set()
    await b.lanes.drain()
    assert handler.began == [0, 20, *range(1, 10)]
    assert b.acknowledged == [20, *range(10)]


async def test_nothing_is_read_on_when_too_much_waits(bench, request_at, monkeypatch) -> None:
    monkeypatch.setattr(waiting, "MAX_REQUESTS", 2)
    handler = Scripted(gates={0: asyncio.Event()})
    b = bench(handler)
    for offset in range(LANE_SHARE + 1):
        await b.lanes.submit(request_at(offset))
    more = asyncio.create_task(b.lanes.submit(request_at(LANE_SHARE + 1)))
    await settle()
    assert not more.done()
    handler.gates[0].set()
    await more
    await b.lanes.drain()
    assert b.acknowledged == list(range(LANE_SHARE + 2))


async def test_what_is_dropped_is_never_begun_nor_what_comes_after_it_and_what_is_begun_is_done(
    bench, request_at, lease
) -> None:
    handler = Scripted(gates={0: asyncio.Event()})
    b = bench(handler)
    for offset in range(LANE_SHARE + 2):
        await b.lanes.submit(request_at(offset))
    b.lanes.drop_waiting()
    await b.lanes.submit(request_at(LANE_SHARE + 2))
    await b.lanes.submit(request_at(0, partition=1))
    handler.gates[0].set()
    await b.lanes.drain()
    assert handler.began == b.acknowledged == list(range(LANE_SHARE))
    assert b.abandoned == [LANE_SHARE, LANE_SHARE + 1, LANE_SHARE + 2, 0]

    lease.assign(2)
    b.lanes.assigned({("frames", 0)}, 2)
    await b.lanes.submit(request_at(LANE_SHARE, generation=2))
    await b.lanes.drain()
    assert b.acknowledged == list(range(LANE_SHARE + 1)), "the next generation begins where that one ended"


async def test_a_reader_that_waits_for_room_goes_on_when_all_is_dropped(bench, request_at, monkeypatch) -> None:
    monkeypatch.setattr(waiting, "MAX_REQUESTS", 1)
    handler = Scripted(gates={0: asyncio.Event()})
    b = bench(handler, max_in_flight=1)
    await b.lanes.submit(request_at(0))
    blocked = asyncio.create_task(b.lanes.submit(request_at(1)))
    await settle()
    assert not blocked.done()
    b.lanes.drop_waiting()
    await blocked
    handler.gates[0].set()
    await b.lanes.drain()
    assert b.acknowledged == [0]


async def test_a_request_that_fails_is_tried_again_and_not_lost(bench, request_at) -> None:
    b = bench(Scripted(broken={0: TRIES - 1}))
    await b.lanes.submit(request_at(0))
    await b.lanes.drain()
    assert b.handler.began == [0] * TRIES
    assert b.handler.failed == []
    assert b.acknowledged == [0]


async def test_a_request_says_which_attempt_it_is_and_so_does_what_fails_for_good(bench, request_at) -> None:
    attempts: list[int] = []

    class Told(Scripted):
        async def handle(self, request: Request, lane: Lane, outlet: Outlet) -> None:
            attempts.append(request.attempt)
            await super().handle(request, lane, outlet)

        async def fail(self, request: Request, lane: Lane, outlet: Outlet, error: Exception) -> None:
            attempts.append(request.attempt)

    b = bench(Told(broken={0: 10**9}))
    for offset in range(2):
        await b.lanes.submit(request_at(offset, b"a"))
    await b.lanes.drain()
    assert attempts == [*range(1, TRIES + 1), TRIES, 1]


async def test_a_request_that_fails_for_good_leaves_its_record_and_the_next_goes_on(
    bench, request_at, producer
) -> None:
    b = bench(Scripted(broken={0: 99}))
    await b.lanes.submit(request_at(0))
    await b.lanes.submit(request_at(1))
    await b.lanes.drain()
    assert b.handler.failed == [0]
    assert [taken.topic for taken in producer.taken] == ["errors", "out"]
    assert b.acknowledged == [0, 1]
    assert b.fatal == []


async def test_a_request_whose_output_is_too_large_leaves_its_record_and_the_next_goes_on(
    bench, request_at, producer, monkeypatch
) -> None:
    monkeypatch.setattr(outlet, "FIRST_PAUSE_S", 0.001)
    producer.too_small = {"out"}
    b = bench(publish_timeout_s=60)
    await b.lanes.submit(request_at(0))
    await b.lanes.submit(request_at(1))
    await b.lanes.drain()
    assert b.handler.failed == [0, 1]
    assert [taken.topic for taken in producer.taken] == ["errors", "errors"]
    assert b.acknowledged == [0, 1]
    assert b.fatal == []


async def test_a_request_that_cannot_even_leave_its_record_ends_the_worker_in_the_end(
    bench, request_at, producer, monkeypatch
) -> None:
    monkeypatch.setattr(outlet, "FIRST_PAUSE_S", 0.001)
    producer.too_small = {"out", "errors"}
    b = bench(publish_timeout_s=0.05)
    await b.lanes.submit(request_at(0))
    await b.lanes.drain()
    assert [type(error) for error in b.fatal] == [PublishTimeoutError]
    assert b.acknowledged == []


async def test_a_job_whose_output_is_too_large_is_given_up_and_what_stands_behind_it_is_done(
    bench, request_at, producer, monkeypatch
) -> None:
    monkeypatch.setattr(outlet, "FIRST_PAUSE_S", 0.001)
    producer.too_small = {"sightings"}
    b = bench(publish_timeout_s=60)

    async def job(lane: Lane, outlet: Outlet) -> None:
        lane.state = 7
        await outlet.publish([Output(topic="sightings", key=b"k", value=b"v")])

    b.lanes.enqueue(("frames", 0, b"lobby"), job)
    await b.lanes.submit(request_at(0))
    await b.lanes.drain()
    assert b.fatal == []
    assert b.handler.states == [1], "the state went with the job"
    assert b.acknowledged == [0]


async def test_a_broker_that_takes_nothing_ends_the_worker_and_nothing_is_acknowledged(
    bench, request_at, producer
) -> None:
    producer.refuse = 3
    b = bench(publish_timeout_s=0.25)
    await b.lanes.submit(request_at(0))
    await b.lanes.submit(request_at(1))
    await b.lanes.drain()
    assert len(b.fatal) == 1
    assert b.acknowledged == []
    assert producer.taken == [], "what waits behind a request that was not published may not go out"


async def test_lost_work_is_neither_published_nor_acknowledged_nor_what_stands_behind_it(
    bench, request_at, lease, producer
) -> None:
    handler = Scripted(gates={0: asyncio.Event()})
    b = bench(handler)
    await b.lanes.submit(request_at(0, b"a"))
    await b.lanes.submit(request_at(1, b"b"))
    while b.lanes.in_flight > 1:
        await asyncio.sleep(0)
    lease.member_lost()
    handler.gates[0].set()
    await b.lanes.drain()
    assert [taken.value for taken in producer.taken] == [b"1"]
    assert b.abandoned == [0]
    assert b.acknowledged == []


async def test_state_stays_with_a_partition_that_stays(bench, request_at, lease) -> None:
    b = bench()
    await b.lanes.submit(request_at(0, partition=0))
    await b.lanes.submit(request_at(0, partition=1))
    await b.lanes.drain()
    lease.assign(2)
    b.lanes.assigned({("frames", 0)}, 2)
    for partition in (0, 1):
        await b.lanes.submit(request_at(1, partition=partition, generation=2))
        await b.lanes.drain()
    assert b.handler.states == [1, 1, 2, 1]


async def test_state_goes_when_another_worker_may_have_been_owner(bench, request_at, lease) -> None:
    b = bench()
    await b.lanes.submit(request_at(0))
    await b.lanes.drain()
    lease.assign(3)
    b.lanes.assigned({("frames", 0)}, 3)
    await b.lanes.submit(request_at(1, generation=3))
    await b.lanes.drain()
    assert b.handler.states == [1, 1]


async def test_lanes_are_capped_and_the_least_recently_used_goes_first(bench, request_at) -> None:
    b = bench(max_lanes=2)
    for offset, key in enumerate([b"a", b"b", b"a", b"c"]):
        await b.lanes.submit(request_at(offset, key))
        await b.lanes.drain()
    assert [lane.place[2] for lane in b.lanes] == [b"a", b"c"]


async def test_a_filler_is_acknowledged_and_nothing_else(bench, request_at, producer) -> None:
    b = bench()
    filler = request_at(0, FILLER_KEY)
    await b.lanes.submit(replace(filler, value=b""))
    await b.lanes.submit(request_at(1, FILLER_KEY))
    await b.lanes.drain()
    assert b.handler.began == [1], "a request under the reserved key is a request all the same"
    assert b.acknowledged == [0, 1]


async def test_a_filler_takes_no_lane_from_a_camera(bench, request_at) -> None:
    b = bench(max_lanes=1)
    await b.lanes.submit(request_at(0))
    await b.lanes.drain()
    await b.lanes.submit(replace(request_at(1, FILLER_KEY), value=b""))
    assert [lane.place[2] for lane in b.lanes] == [b"lobby"]
    assert (b.lanes.in_flight, b.acknowledged) == (0, [0, 1])


async def test_a_filler_waits_for_what_is_before_it(bench, request_at) -> None:
    handler = Scripted(gates={0: asyncio.Event()})
    b = bench(handler)
    await b.lanes.submit(request_at(0))
    await b.lanes.submit(replace(request_at(1, FILLER_KEY), value=b""))
    await settle()
    assert b.acknowledged == []
    handler.gates[0].set()
    await b.lanes.drain()
    assert b.acknowledged == [0, 1]


async def test_a_job_of_ours_runs_behind_what_is_in_the_lane(bench, request_at) -> None:
    handler = Scripted(gates={0: asyncio.Event()})
    b = bench(handler)
    seen: list[object] = []

    async def job(lane: Lane, outlet: Outlet) -> None:
        seen.append(lane.state)

    await b.lanes.submit(request_at(0))
    b.lanes.enqueue(("frames", 0, b"lobby"), job)
    handler.gates[0].set()
    await b.lanes.drain()
    assert seen == [1]
    assert b.acknowledged == [0]


@pytest.mark.parametrize("begun", [True, False])
async def test_a_request_whose_task_is_cancelled_is_abandoned_and_gives_its_slot_back(
    bench, request_at, begun: bool
) -> None:
    b = bench(Scripted(gates={0: asyncio.Event()}), max_in_flight=1)
    await b.lanes.submit(request_at(0))
    await b.lanes.submit(request_at(1, b"calm", partition=1))
    if begun:
        await settle()
    lane = b.lanes.find(("frames", 0, b"lobby"))
    lane.tail.cancel()
    await b.lanes.drain()
    assert b.handler.began == ([0, 1] if begun else [1])
    assert (b.abandoned, b.acknowledged) == ([0], [1])
    assert (lane.in_flight, b.fatal) == (0, [])


class Interrupted(Scripted):
    """Waits for what is cancelled, as aiokafka's consumer cancels its own fetches: so many times."""

    times: int = 1

    async def handle(self, request: Request, lane: Lane, outlet: Outlet) -> None:
        if self.times:
            self.times -= 1
            elsewhere = asyncio.get_running_loop().create_future()
            elsewhere.cancel()
            await elsewhere
        await super().handle(request, lane, outlet)


async def test_a_request_that_waits_for_what_is_cancelled_is_tried_again(bench, request_at) -> None:
    b = bench(Interrupted())
    await b.lanes.submit(request_at(0))
    await b.lanes.drain()
    assert b.handler.began == [0]
    assert (b.acknowledged, b.abandoned, b.fatal) == ([0], [], [])


async def test_a_job_that_waits_for_what_is_cancelled_ends_the_worker_and_not_silently(bench, request_at) -> None:
    b = bench()

    async def job(_lane: Lane, _outlet: Outlet) -> None:
        elsewhere = asyncio.get_running_loop().create_future()
        elsewhere.cancel()
        await elsewhere

    b.lanes.enqueue(("frames", 0, b"lobby"), job)
    await b.lanes.drain()
    assert [type(error) for error in b.fatal] == [CancelledWithinError]


async def test_what_ends_the_worker_is_abandoned(bench, request_at, producer) -> None:
    producer.refuse = 3
    b = bench(publish_timeout_s=0.25)
    await b.lanes.submit(request_at(0))
    await b.lanes.drain()
    assert (b.abandoned, b.acknowledged, len(b.fatal)) == ([0], [], 1)


async def test_what_goes_to_another_worker_in_the_moment_in_which_it_ends_is_abandoned(
    bench, request_at, lease
) -> None:
    class Last(Scripted):
        async def handle(self, request: Request, lane: Lane, outlet: Outlet) -> None:
            await super().handle(request, lane, outlet)
            asyncio.get_running_loop().call_soon(reassign)

    def reassign() -> None:
        lease.assign(2)
        b.lanes.assigned(set(), 2)

    b = bench(Last())
    await b.lanes.submit(request_at(0))
    await b.lanes.drain()
    assert (b.abandoned, b.acknowledged, b.fatal) == ([0], [], [])


async def test_an_acknowledgement_that_fails_ends_the_worker(bench, request_at) -> None:
    b = bench()

    def fail(_token: object) -> None:
        raise ZeroDivisionError

    b.lanes._ledger.acknowledge = fail
    await b.lanes.submit(request_at(0))
    await b.lanes.drain()
    assert [type(error) for error in b.fatal] == [ZeroDivisionError]


async def test_keys_that_no_handler_takes_share_one_lane(bench, request_at) -> None:
    at = bench()
    for offset in range(3):
        await at.lanes.submit(request_at(offset, key=b"%d" % offset + b"x" * MAX_HEADER_BYTES))
    await at.lanes.submit(request_at(3, key=b"x" * MAX_HEADER_BYTES))
    await at.lanes.drain()
    assert [lane.place[2] for lane in at.lanes] == [b"", b"x" * MAX_HEADER_BYTES]
    assert at.acknowledged == [0, 1, 2, 3]
