"""What is deleted and when a segment is closed: by an injected clock, and without a broker."""

import pytest

from streams.engine.purge.purge import MARGIN_S, Purge
from streams.engine.request import Request
from streams.wire.topics import FILLER_KEY

SEGMENT_MS = 10_000
FRAMES = ("frames", 0)
DUE_S = SEGMENT_MS / 1000 + MARGIN_S


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def purge(clock) -> Purge:
    purge = Purge(clock)
    purge.segment_ms = {"frames": SEGMENT_MS}
    purge.assigned({FRAMES})
    return purge


def record(offset: int, at_ms: int, *, filler: bool = False, partition: int = 0) -> Request:
    key, value = (FILLER_KEY, b"") if filler else (b"lobby", b"picture")
    return Request("frames", partition, offset, at_ms, key, value, (), 1)


def test_what_is_committed_is_deleted_once(purge) -> None:
    assert purge.to_delete({FRAMES: 7}) == {FRAMES: 7}
    assert purge.to_delete({FRAMES: 7}) == {FRAMES: 7}, "nobody said that it is done"
    purge.deleted({FRAMES: 7})
    assert purge.to_delete({FRAMES: 7}) == {}
    assert purge.to_delete({FRAMES: 9}) == {FRAMES: 9}


def test_without_a_committed_offset_nothing_is_deleted(purge) -> None:
    assert purge.to_delete({FRAMES: -1}) == {}
    assert purge.to_delete({FRAMES: 0}) == {}
    assert purge.to_delete({}) == {}


def test_another_workers_partition_is_left_alone(purge, clock) -> None:
    assert purge.to_delete({("frames", 1): 5}) == {}
    purge.arrived(record(5, 0, partition=1))
    purge.deleted({("frames", 1): 5})
    purge.filled(("frames", 1), 6)
    purge.not_filled(("frames", 1))
    clock.now_s += DUE_S + 1
    assert purge.to_close() == []
    assert purge.partitions == [FRAMES]


def test_a_filler_follows_the_last_request_after_the_segments_time(purge, clock) -> None:
    purge.arrived(record(0, 50_000))
    clock.now_s += 6
    purge.arrived(record(1, 56_000))
    clock.now_s += DUE_S - 0.01
    assert purge.to_close() == []
    clock.now_s += 0.02
    assert purge.to_close() == [FRAMES]
    assert purge.to_close() == [], "one is under way"


def test_one_filler_is_enough_for_ever(purge, clock) -> None:
    purge.arrived(record(0, 50_000))
    clock.now_s += DUE_S + 1
    assert purge.to_close() == [FRAMES]
    purge.filled(FRAMES, 1)
    purge.arrived(record(1, 61_000, filler=True))
    purge.to_delete({FRAMES: 2})
    purge.deleted({FRAMES: 2})
    clock.now_s += 1_000_000
    assert purge.to_close() == []
    assert purge.undeleted_s() == {"frames": 0.0}
    purge.arrived(record(2, 90_000))
    clock.now_s += DUE_S + 1
    assert purge.to_close() == [FRAMES]


def test_a_partition_that_never_had_a_record_gets_no_filler(purge, clock) -> None:
    purge.to_delete({FRAMES: -1})
    clock.now_s += 1_000_000
    assert purge.to_close() == []
    assert purge.undeleted_s() == {"frames": 0.0}


def test_what_a_former_owner_left_open_is_closed(purge, clock) -> None:
    purge.to_delete({FRAMES: 4})
    clock.now_s += DUE_S + 1
    assert purge.to_close() == [FRAMES]
    purge.arrived(record(4, 70_000, filler=True))
    purge.filled(FRAMES, 4)
    clock.now_s += DUE_S + 1
    assert purge.to_close() == []


def test_a_former_owners_filler_is_not_believed(purge, clock) -> None:
    purge.arrived(record(4, 70_000, filler=True))
    clock.now_s += DUE_S + 1
    assert purge.to_close() == [FRAMES]


@pytest.mark.parametrize(("after_ms", "again"), [(SEGMENT_MS, True), (SEGMENT_MS + 1, False), (-5_000, True)])
def test_a_filler_counts_if_the_brokers_own_clock_says_so(purge, clock, after_ms, again) -> None:
    purge.arrived(record(0, 50_000))
    clock.now_s += DUE_S + 1
    assert purge.to_close() == [FRAMES]
    purge.arrived(record(1, 50_000 + after_ms, filler=True))
    purge.filled(FRAMES, 1)
    assert purge.to_close() == [], "not before the segment is as old again"
    clock.now_s += DUE_S + 1
    assert purge.to_close() == ([FRAMES] if again else [])


def test_a_filler_that_a_request_overtook_is_waited_for(purge, clock) -> None:
    purge.arrived(record(0, 50_000))
    clock.now_s += DUE_S + 1
    assert purge.to_close() == [FRAMES]
    purge.arrived(record(1, 61_000))
    purge.filled(FRAMES, 2)
    purge.arrived(record(2, 61_001, filler=True))
    clock.now_s += DUE_S - 0.01
    assert purge.to_close() == []
    clock.now_s += 0.02
    assert purge.to_close() == [FRAMES], "it may stand in the segment of the request before it"


def test_a_filler_that_is_never_read_holds_up_no_other(purge, clock) -> None:
    purge.arrived(record(0, 50_000))
    clock.now_s += DUE_S + 1
    purge.to_close()
    purge.filled(FRAMES, 1)
    purge.arrived(record(2, 90_000))
    clock.now_s += DUE_S + 1
    assert purge.to_close() == [FRAMES]


def test_a_filler_that_was_refused_comes_again(purge, clock) -> None:
    purge.arrived(record(0, 50_000))
    clock.now_s += DUE_S + 1
    assert purge.to_close() == [FRAMES]
    purge.not_filled(FRAMES)
    assert purge.to_close() == [FRAMES]


def test_without_the_topics_settings_nothing_is_written(purge, clock) -> None:
    purge.segment_ms = {}
    purge.arrived(record(0, 50_000))
    clock.now_s += 1_000_000
    assert purge.to_close() == []


def test_a_new_assignment_counts_as_a_request(purge, clock) -> None:
    purge.arrived(record(0, 50_000))
    clock.now_s += DUE_S + 1
    purge.assigned({FRAMES})
    purge.to_delete({FRAMES: 1})
    assert purge.to_close() == []
    clock.now_s += DUE_S + 0.01
    assert purge.to_close() == [FRAMES]


def test_the_age_of_what_is_not_deleted(purge, clock) -> None:
    purge.arrived(record(0, 50_000))
    purge.to_delete({FRAMES: 1})
    clock.now_s += 3
    assert purge.undeleted_s() == {"frames": 3.0}
    purge.arrived(record(1, 53_000))
    purge.to_delete({FRAMES: 2})
    clock.now_s += 2
    assert purge.undeleted_s() == {"frames": 5.0}, "since the oldest"
    purge.deleted({FRAMES: 2})
    assert purge.undeleted_s() == {"frames": 2.0}, "the last one stands in an open segment"
