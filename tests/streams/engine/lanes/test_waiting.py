"""What waits: partitions take turns, each in order; what may be read on."""

from streams.engine.lanes import waiting
from streams.engine.lanes.waiting import ENOUGH, Waiting
from streams.engine.request import Request


def request(offset: int, partition: int = 0, size: int = 1) -> Request:
    return Request("frames", partition, offset, 0, b"lobby", b"x" * size, (), 1)


def taken(line: Waiting, may_begin=lambda request: True) -> list[tuple[int, int]]:
    found = []
    while (each := line.take(may_begin)) is not None:
        found.append((each.partition, each.offset))
    return found


def test_partitions_take_turns_and_keep_their_order() -> None:
    line = Waiting()
    for offset in range(3):
        line.add(request(offset))
    line.add(request(7, partition=1))
    line.add(request(8, partition=1))
    assert taken(line) == [(0, 0), (1, 7), (0, 1), (1, 8), (0, 2)]
    assert not line.holds(("frames", 0))


def test_a_partition_whose_first_request_must_wait_holds_up_none_but_itself() -> None:
    line = Waiting()
    for offset in range(3):
        line.add(request(offset))
        line.add(request(offset, partition=1))
    assert taken(line, lambda request: request.partition == 1) == [(1, 0), (1, 1), (1, 2)]
    assert line.holds(("frames", 0))
    assert not line.holds(("frames", 1))


def test_a_partition_of_which_enough_waits_is_not_read_on() -> None:
    line = Waiting()
    for offset in range(ENOUGH):
        assert line.full() == set()
        line.add(request(offset))
    line.add(request(0, partition=1))
    assert line.full() == {("frames", 0)}
    line.take(lambda request: True)
    assert line.full() == set()


def test_too_many_bytes_stop_all_that_wait(monkeypatch) -> None:
    monkeypatch.setattr(waiting, "MAX_BYTES", 100)
    line = Waiting()
    line.add(request(0, size=60))
    assert line.full() == set()
    line.add(request(0, partition=1, size=40))
    assert line.full() == {("frames", 0), ("frames", 1)}
    line.take(lambda request: True)
    assert line.full() == set()


def test_too_many_requests_stop_everything(monkeypatch) -> None:
    monkeypatch.setattr(waiting, "MAX_REQUESTS", 2)
    line = Waiting()
    line.add(request(0))
    assert not line.is_full
    line.add(request(1))
    assert line.is_full
    line.take(lambda request: True)
    assert not line.is_full


def test_what_is_cleared_is_told_and_gone() -> None:
    line = Waiting()
    for offset in range(ENOUGH):
        line.add(request(offset))
    assert [each.offset for each in line.clear()] == list(range(ENOUGH))
    assert (line.full(), line.is_full, taken(line)) == (set(), False, [])
