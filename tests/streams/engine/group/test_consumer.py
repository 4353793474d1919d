"""What the consumer commits, by its own books."""

import asyncio
from collections import defaultdict
from types import SimpleNamespace
from weakref import WeakSet

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.group import consumer
from streams.engine.group.consumer import LeasedConsumer
from streams.engine.lease import Lease

FRAMES = TP("frames", 0)


class Message:
    def __init__(self, offset: int, tp: TP = FRAMES) -> None:
        self.offset = offset
        self.tp = tp


def new_books() -> LeasedConsumer:
    """A consumer that is nothing but its books."""
    leased = object.__new__(LeasedConsumer)
    leased._acked, leased._acked_index = defaultdict(list), defaultdict(set)
    leased._committed_offset = defaultdict(lambda: None)
    leased._read_offset = defaultdict(lambda: None)
    leased._unacked_messages = WeakSet()
    leased._skips = {}
    return leased


@pytest.fixture
def books() -> LeasedConsumer:
    return new_books()


def acknowledge(books: LeasedConsumer, *offsets: int) -> None:
    books._acked[FRAMES] += offsets
    books._acked_index[FRAMES] |= set(offsets)


def test_the_next_owner_begins_behind_the_last_that_was_acknowledged(books) -> None:
    assert books._new_offset(FRAMES) is None
    acknowledge(books, 4, 5, 9)  # offsets without a message lie between them
    assert books._new_offset(FRAMES) == 10
    assert books._acked[FRAMES] == []
    assert books._acked_index[FRAMES] == set()
    assert books._new_offset(FRAMES) is None


def test_nothing_past_a_message_in_flight_is_committed_until_that_is_done(books) -> None:
    waiting, elsewhere = Message(5), Message(0, TP("frames", 1))
    books._unacked_messages |= {waiting, elsewhere}
    acknowledge(books, 4, 6, 7)
    assert books._new_offset(FRAMES) == 5
    assert books._new_offset(FRAMES) is None
    books._unacked_messages.discard(waiting)
    acknowledge(books, 5)
    assert books._new_offset(FRAMES) == 8


@given(
    gaps=st.lists(st.integers(1, 5), min_size=1, max_size=20),
    steps=st.lists(st.one_of(st.none(), st.integers(0, 19)), max_size=60),
)
def test_whatever_the_order_no_commit_passes_what_is_in_flight(gaps: list[int], steps: list[int | None]) -> None:
    books = new_books()
    offsets = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    in_flight = {offset: Message(offset) for offset in offsets}
    books._unacked_messages |= set(in_flight.values())
    committed = 0
    for step in [*steps, *range(len(offsets)), None]:
        if step is None:
            new = books._new_offset(FRAMES)
            assert new is None or committed < new
            committed = new or committed
            assert all(offset >= committed for offset in in_flight)
        elif step < len(offsets) and offsets[step] in in_flight:
            books._unacked_messages.discard(in_flight.pop(offsets[step]))
            acknowledge(books, offsets[step])
    assert committed == offsets[-1] + 1


def test_what_is_no_more_is_committed_once_all_before_it_is_done(books) -> None:
    waiting = Message(2)
    books._unacked_messages.add(waiting)
    acknowledge(books, 0, 1)
    books.skip("frames", 0, 3, 8)
    assert books._new_offset(FRAMES) == 2
    books._committed_offset[FRAMES] = 2
    assert books._new_offset(FRAMES) is None
    books._unacked_messages.discard(waiting)
    acknowledge(books, 2)
    assert books._new_offset(FRAMES) == 8
    assert books._new_offset(FRAMES) is None


def test_where_nothing_was_read_since_the_commit_what_is_no_more_is_committed_at_once(books) -> None:
    books._committed_offset[FRAMES] = 3
    books.skip("frames", 0, 3, 8)
    assert list(books._filter_tps_with_pending_acks()) == [FRAMES]
    assert books._new_offset(FRAMES) == 8


def test_what_is_no_more_does_not_take_back_what_was_committed_behind_it(books) -> None:
    books._committed_offset[FRAMES] = 20
    books.skip("frames", 0, 3, 8)
    assert books._new_offset(FRAMES) == 20


def test_after_a_rewind_neither_what_was_read_nor_what_was_committed_holds(books) -> None:
    books._read_offset[FRAMES] = books._committed_offset[FRAMES] = 50
    books.rewind("frames", 0)
    assert (books._read_offset[FRAMES], books._committed_offset[FRAMES]) == (None, None)


@pytest.mark.parametrize("stopping", [True, False])
async def test_a_commit_that_nobody_takes_is_given_up_when_we_stop_and_only_then(monkeypatch, stopping) -> None:
    answered = asyncio.get_running_loop().create_future()
    now = iter(range(0, 1000, 2))
    monkeypatch.setattr(consumer, "LOOK_S", 0)
    monkeypatch.setattr(consumer, "time", SimpleNamespace(monotonic=lambda: next(now)))

    async def commit(self, offsets) -> bool:
        return await answered

    monkeypatch.setattr(driver.Consumer, "_commit", commit)
    leased = object.__new__(LeasedConsumer)
    leased.app = SimpleNamespace(should_stop=stopping, lease=Lease(session_timeout_s=10, rebalance_timeout_s=6))
    committing = asyncio.create_task(leased._commit({}))
    for _ in range(20):
        await asyncio.sleep(0)
    if stopping:
        assert await committing is False
        assert answered.cancelled()
    else:
        answered.set_result(True)
        assert await committing is True


async def test_who_is_no_member_any_more_does_not_try_to_commit() -> None:
    lease = Lease(session_timeout_s=10, rebalance_timeout_s=6)
    lease.member_lost()
    leased = object.__new__(LeasedConsumer)
    leased.app = SimpleNamespace(should_stop=False, lease=lease)
    assert await leased._commit({FRAMES: 3}) is False
