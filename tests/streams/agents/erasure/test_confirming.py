"""A worker's own word: every ten seconds, at once when a deletion waits for it, and at its end."""

import asyncio
from dataclasses import dataclass, field

import pytest
from aiokafka.errors import KafkaError

from streams.agents.erasure.confirming import Confirmations
from streams.agents.erasure.pending import PendingErasures
from streams.wire import records
from streams.wire.records import Confirmed
from tests.streams.agents.erasure.conftest import NOW_MS, TOPICS, Read, erasure


@dataclass
class Worker:
    now_ms: int = NOW_MS
    applied: dict[int, int] = field(default_factory=lambda: {0: 5})
    saved: dict[int, int] | None = None
    swept: set[str] = field(default_factory=set)
    sent: list = field(default_factory=list)
    away: bool = False

    def __post_init__(self) -> None:
        self.pending = PendingErasures(lambda each: None, partitions=2)
        self.confirmations = Confirmations(
            topics=TOPICS,
            worker=lambda: "w1",
            applied=lambda: self.applied,
            saved=lambda: self.saved,
            swept=self.swept,
            pending=self.pending,
            clock_ms=lambda: self.now_ms,
        )

    async def send(self, output):
        done = asyncio.get_running_loop().create_future()
        if self.away:
            done.set_exception(KafkaError("away"))
        else:
            self.sent.append(output)
            done.set_result(None)
        return done

    async def write(self) -> list[Confirmed | None]:
        await self.confirmations.write(self.send)
        return [None if each.value is None else records.decode(each.value, Confirmed) for each in self.sent]

    def deletion(self, reached: int) -> None:
        self.pending.apply(Read(b"e", records.encode(erasure(state="swept", reached={"0": reached}))))


@pytest.fixture
def worker() -> Worker:
    return Worker()


async def test_every_ten_seconds(worker: Worker) -> None:
    [said] = await worker.write()
    assert (said.worker, said.applied, said.saved, said.written_at_ms) == ("w1", {"0": 5}, None, NOW_MS)
    assert (worker.sent[0].topic, worker.sent[0].key) == (TOPICS.name("control"), b"worker/w1")
    worker.now_ms += 9_999
    assert len(await worker.write()) == 1
    worker.now_ms += 1
    assert len(await worker.write()) == 2


async def test_at_once_when_it_is_past_what_a_deletion_waits_for(worker: Worker) -> None:
    worker.saved = {0: 5}
    await worker.write()
    worker.deletion(7)
    assert len(await worker.write()) == 1
    worker.applied = {0: 7}
    assert len(await worker.write()) == 1  # the snapshot is behind
    worker.saved = {0: 7}
    assert [each.saved for each in await worker.write()] == [{"0": 5}, {"0": 7}]
    assert len(await worker.write()) == 2


async def test_a_broker_that_is_away_gets_it_later(worker: Worker) -> None:
    worker.away = True
    assert await worker.write() == []
    worker.away = False
    assert len(await worker.write()) == 1


@pytest.mark.parametrize(("saved", "last"), [(None, None), ({0: 5}, {"0": 5})])
async def test_a_worker_that_leaves_a_snapshot_behind_leaves_its_word(worker: Worker, saved, last) -> None:
    worker.saved = saved
    await worker.write()
    worker.now_ms += 1
    await worker.confirmations.end(worker.send)
    word = (await worker.write())[1]
    assert (None if word is None else word.saved) == last


async def test_a_snapshot_is_told_of_even_by_one_that_has_said_nothing(worker: Worker) -> None:
    await worker.confirmations.end(worker.send)
    assert worker.sent == []
    worker.saved = {0: 5}
    await worker.confirmations.end(worker.send)
    assert len(worker.sent) == 1


async def test_the_word_of_a_worker_whose_snapshot_was_swept_here_is_taken_back_once(worker: Worker) -> None:
    await worker.write()
    worker.swept.add("w0")
    worker.away = True
    await worker.write()
    worker.away = False
    assert (await worker.write())[1:] == [None]
    assert worker.sent[1].key == b"worker/w0"
    assert len(await worker.write()) == 2
