"""Threads with a deadline: what ends, what is told to end, what goes on all the same, and when the worker must go."""

import asyncio
import time
from collections.abc import Iterator
from threading import Event

import pytest

from models import abort
from streams.agents.pool import IDLE_SHARE, Pool, StuckError, TimedOutError, processor_time

SOON_S = 0.2


def any_time():
    """A meter for which all time counts, whoever had the processor."""
    begun_s = time.monotonic()
    return lambda: time.monotonic() - begun_s


class Ground:
    """A pool, the errors that would end the worker, and work that goes on until the test releases it."""

    def __init__(self, threads: int = 1, timeout_s: float = SOON_S) -> None:
        self.fatal: list[BaseException] = []
        self.pool = Pool(threads, timeout_s=timeout_s, fatal=self.fatal.append, meter=any_time)
        self.released = Event()
        self.ended = Event()

    def until_told(self) -> None:
        while True:
            abort.check()

    def deaf(self) -> str:
        self.released.wait()
        self.ended.set()
        return "late"


@pytest.fixture
def ground() -> Iterator[Ground]:
    ground = Ground()
    yield ground
    ground.released.set()
    ground.pool.close()


async def test_what_work_returns_and_raises_comes_out(ground: Ground) -> None:
    assert await ground.pool.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await ground.pool.run(lambda: 1 // 0)
    assert await ground.pool.run(lambda: 8) == 8


async def test_work_that_does_not_end_is_told_to_and_its_thread_goes_on(ground: Ground) -> None:
    with pytest.raises(TimedOutError, match=r"did not end within 0\.2 s$") as error:
        await ground.pool.run(ground.until_told)
    assert not error.value.stuck
    assert ground.pool.stuck == 0
    assert await ground.pool.run(lambda: 7) == 7
    assert ground.fatal == []


async def test_work_that_does_not_hear_loses_its_thread_and_another_takes_the_place(ground: Ground) -> None:
    ground.pool = Pool(2, timeout_s=SOON_S, fatal=ground.fatal.append, meter=any_time)
    with pytest.raises(TimedOutError, match="cannot be ended") as error:
        await ground.pool.run(ground.deaf)
    assert error.value.stuck
    assert ground.pool.stuck == 1
    both = asyncio.Barrier(2)

    async def side_by_side() -> int:
        await both.wait()
        return await ground.pool.run(lambda: 7)

    assert await asyncio.gather(side_by_side(), side_by_side()) == [7, 7]
    assert ground.fatal == []


async def test_a_thread_that_was_given_up_is_not_stuck_once_it_has_ended(ground: Ground) -> None:
    with pytest.raises(TimedOutError):
        await ground.pool.run(ground.deaf)
    ground.released.set()
    ground.ended.wait()
    while ground.pool.stuck:
        await asyncio.sleep(0)
    assert await ground.pool.run(lambda: 7) == 7


async def test_as_many_stuck_computations_as_threads_end_the_worker(ground: Ground) -> None:
    ground.pool = Pool(2, timeout_s=SOON_S, fatal=ground.fatal.append, meter=any_time)
    for fatal in (0, 1):
        with pytest.raises(TimedOutError):
            await ground.pool.run(ground.deaf)
        assert len(ground.fatal) == fatal
    [error] = ground.fatal
    assert isinstance(error, StuckError)
    assert str(error) == "2 computations do not end and cannot be ended: start the worker anew"
    assert await ground.pool.run(lambda: 7) == 7, "what is in flight can still be answered"


def test_processor_time_counts_and_other_time_a_little(monkeypatch) -> None:
    clocks = {"processor": 1.0, "wall": 50.0}
    monkeypatch.setattr("time.pthread_getcpuclockid", lambda ident: 7, raising=False)
    monkeypatch.setattr("time.clock_gettime", lambda clock: clocks["processor"])
    monkeypatch.setattr("time.monotonic", lambda: clocks["wall"])
    spent_s = processor_time()
    clocks.update(processor=3.0, wall=55.0)
    assert spent_s() == 2.0
    clocks.update(wall=70.0)
    assert spent_s() == IDLE_SHARE * 20.0
    monkeypatch.delattr("time.pthread_getcpuclockid")
    spent_s = processor_time()
    clocks.update(wall=71.0)
    assert spent_s() == 1.0


async def test_work_that_computes_for_ever_is_told_to_end_by_the_processor_time_it_took(ground: Ground) -> None:
    ground.pool = Pool(1, timeout_s=SOON_S, fatal=ground.fatal.append)
    with pytest.raises(TimedOutError) as error:
        await ground.pool.run(ground.until_told)
    assert not error.value.stuck


async def test_waiting_for_a_thread_does_not_count(ground: Ground) -> None:
    ground.pool = Pool(1, timeout_s=SOON_S, fatal=ground.fatal.append, meter=lambda: lambda: 0.0)  # no work takes time
    first = asyncio.create_task(ground.pool.run(ground.deaf))
    second = asyncio.create_task(ground.pool.run(lambda: 7))
    asyncio.get_running_loop().call_later(3 * SOON_S, ground.released.set)
    assert await asyncio.gather(first, second) == ["late", 7]
