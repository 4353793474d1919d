"""When a worker looks at the segments of its partitions, and what it does where the brokers do not answer."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from streams.engine.purge import closer
from streams.engine.purge.closer import Closer
from streams.engine.reading.evidence import EvidenceError


class Brokers:
    """They do not answer; looked: how often they were asked."""

    def __init__(self) -> None:
        self.looked = 0

    @asynccontextmanager
    async def look(self):
        self.looked += 1
        raise EvidenceError("away")
        yield


@pytest.fixture
def brokers() -> Brokers:
    return Brokers()


@pytest.fixture
def make(brokers, monkeypatch):
    monkeypatch.setattr(closer, "AGAIN_S", 0.001)

    async def never(_output: object) -> None:
        pytest.fail("nothing is to be sent")

    def made(may_send=lambda: True) -> Closer:
        return Closer(topic="log", evidence=brokers, send=never, may_send=may_send, clock_ms=lambda: 0)

    return made


async def work(closing: Closer, until) -> list[str]:
    """What is logged while it works."""
    task = asyncio.create_task(closing.run())
    with capture_logs() as lines:
        async with asyncio.timeout(20):
            while not until():
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
    return [line["event"] for line in lines]


async def test_brokers_that_do_not_answer_are_asked_again(make, brokers) -> None:
    ours = make()
    ours.assigned([0])
    said = await work(ours, lambda: brokers.looked >= 3)
    assert set(said) == {"idle segments are not closed now, trying again"}


async def test_who_has_no_partition_asks_nobody_until_it_is_given_one(make, brokers) -> None:
    ours = make()
    task = asyncio.create_task(work(ours, lambda: brokers.looked))
    for _ in range(10):
        await asyncio.sleep(0)
    assert brokers.looked == 0
    ours.assigned([0])
    await task


async def test_without_a_lease_it_waits(make, brokers) -> None:
    asked: list[bool] = []

    def may_send() -> bool:
        asked.append(len(asked) >= 3)
        return asked[-1]

    ours = make(may_send)
    ours.assigned([0])
    await work(ours, lambda: brokers.looked)
    assert asked[:4] == [False, False, False, True]
