"""Which lanes stay, and which go for others."""

import asyncio

import pytest

from streams.engine.lanes.table import LaneTable


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def keys(table: LaneTable) -> list[bytes]:
    return [lane.place[2] for lane in table]


def test_a_lane_is_made_once_and_found_by_its_place(clock) -> None:
    table = LaneTable(10, clock)
    assert table.find(("frames", 0, b"a")) is None
    lane = table.use(("frames", 0, b"a"))
    assert table.use(("frames", 0, b"a")) is lane is table.find(("frames", 0, b"a"))


def test_above_the_limit_the_idle_lane_that_is_used_least_recently_goes(clock) -> None:
    table = LaneTable(2, clock)
    for key in (b"a", b"b", b"a", b"c"):
        table.use(("frames", 0, key))
    assert keys(table) == [b"a", b"c"]


async def test_a_lane_at_work_never_goes_for_another_nor_with_time(clock) -> None:
    table = LaneTable(1, clock)
    busy = table.use(("frames", 0, b"busy"))
    busy.tail = asyncio.create_task(asyncio.sleep(0, True))
    table.use(("frames", 0, b"a"))
    assert keys(table) == [b"busy", b"a"]
    clock.now_s = 60.0
    table.expire(59.0)
    assert keys(table) == [b"busy"]
    await busy.tail


def test_idle_lanes_go_with_time_counted_from_their_last_use(clock) -> None:
    table = LaneTable(10, clock)
    table.use(("frames", 0, b"a"))
    clock.now_s = 10.0
    table.use(("frames", 0, b"b"))
    clock.now_s = 15.0
    table.expire(15.0)
    assert keys(table) == [b"a", b"b"]
    table.expire(14.0)
    assert keys(table) == [b"b"]


def test_lanes_of_partitions_that_are_not_kept_go(clock) -> None:
    table = LaneTable(10, clock)
    for topic, partition in (("frames", 0), ("frames", 1), ("commands", 0)):
        table.use((topic, partition, b"k"))
    table.keep({("frames", 1)})
    assert [lane.place[:2] for lane in table] == [("frames", 1)]
