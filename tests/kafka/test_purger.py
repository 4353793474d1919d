"""Processed pictures leave a broker's disk, on a busy and on an idle partition, and a refusal costs no worker.

What was erased leaves it as well, on a partition to which nothing is written any more.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from structlog.testing import capture_logs

from streams.engine.outlet import Output
from streams.engine.purge import closer
from streams.engine.purge.closer import Closer
from streams.engine.purge.purge import Purge
from streams.engine.purge.purger import Purger
from streams.engine.reading.evidence import Evidence
from streams.engine.request import Request
from streams.wire.connection import Connection
from streams.wire.topics import FILLER_KEY
from tests.kafka.broker import Kafka

pytestmark = [pytest.mark.broker, pytest.mark.timeout(60)]

SEGMENT_MS = 1000
GONE_S = 20.0
_numbers = itertools.count()


def on_disk(kafka: Kafka, topic: str, what: bytes) -> bool:
    """Whether a file of the topic, or one that waits for its removal, has these bytes."""
    for path in kafka.nodes[0].data_dir.glob(f"{topic}-*/*"):
        try:
            if what in path.read_bytes():
                return True
        except FileNotFoundError:  # removed meanwhile
            continue
    return False


@dataclass
class Ground:
    """A topic with one reader who processes everything at once, and who deletes what is processed."""

    kafka: Kafka
    topic: str
    producer: AIOKafkaProducer
    consumer: AIOKafkaConsumer
    purge: Purge
    purger: Purger
    fillers: list[int] = field(default_factory=list)

    async def publish(self, value: bytes, partition: int = 0) -> None:
        await self.producer.send_and_wait(self.topic, value, key=b"lobby", partition=partition)

    async def read(self) -> None:
        async for record in self.consumer:
            self.purge.arrived(
                Request(
                    record.topic,
                    record.partition,
                    record.offset,
                    record.timestamp,
                    record.key,
                    record.value,
                    record.headers,
                    1,
                )
            )
            if record.key == FILLER_KEY:
                self.fillers.append(record.partition)
            await self.consumer.commit()

    def holds(self, what: bytes) -> bool:
        """As `on_disk`."""
        return on_disk(self.kafka, self.topic, what)

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + GONE_S
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            await asyncio.sleep(0.05)


@pytest.fixture
async def ground(kafka: Kafka) -> AsyncIterator[Ground]:
    topic = f"purged{next(_numbers)}"
    connection = Connection(kafka.bootstrap())
    async with AsyncExitStack() as stack:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap())
        await admin.start()
        stack.push_async_callback(admin.close)
        await admin.create_topics(
            [
                NewTopic(
                    topic,
                    2,
                    1,
                    topic_configs={
                        "segment.ms": str(SEGMENT_MS),
                        "file.delete.delay.ms": "0",
                        "message.timestamp.type": "LogAppendTime",
                    },
                )
            ]
        )
        stack.push_async_callback(admin.delete_topics, [topic])
        producer = await stack.enter_async_context(AIOKafkaProducer(bootstrap_servers=kafka.bootstrap()))
        consumer = AIOKafkaConsumer(
            bootstrap_servers=kafka.bootstrap(),
            group_id=topic,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        consumer.assign([TopicPartition(topic, 0), TopicPartition(topic, 1)])
        await consumer.start()
        stack.push_async_callback(consumer.stop)

        async def send(output: Output):
            return await producer.send(output.topic, output.value, output.key, output.partition)

        purge = Purge()
        purge.assigned({(topic, 0), (topic, 1)})
        purger = Purger(purge, connection, group_id=topic, topics=(topic,), send=send, may_send=lambda: True)
        ground = Ground(kafka, topic, producer, consumer, purge, purger)
        for work in (purger.run(), ground.read()):
            stack.push_async_callback(_end, asyncio.create_task(work))
        yield ground


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def test_the_last_picture_of_an_idle_partition_leaves_the_disk_by_one_filler(ground: Ground) -> None:
    await ground.publish(b"the only picture")
    assert ground.holds(b"the only picture")
    await ground.until(lambda: not ground.holds(b"the only picture"), "the idle partition's picture to go")
    await asyncio.sleep(2.5 * SEGMENT_MS / 1000)
    assert ground.fillers == [0], "none follows, and none where nothing was"
    assert ground.purge.undeleted_s() == {ground.topic: 0.0}


async def test_a_busy_partitions_pictures_go_while_others_come(ground: Ground) -> None:
    await ground.publish(b"the first picture")
    number = 0

    async def goes_on() -> None:
        nonlocal number
        while True:
            number += 1
            await ground.publish(f"picture {number}".encode())
            await asyncio.sleep(0.1)

    going = asyncio.create_task(goes_on())
    try:
        await ground.until(lambda: not ground.holds(b"the first picture"), "the busy partition's picture to go")
    finally:
        await _end(going)
    assert ground.fillers == []


async def test_a_broker_that_refuses_is_asked_again_and_one_partition_keeps_back_no_other(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = AIOKafkaAdminClient.delete_records
    serves = False

    async def refuses_one(self, records: dict[TopicPartition, RecordsToDelete], timeout_ms: int | None = None):
        from aiokafka.errors import NotLeaderForPartitionError

        if not serves and any(each.partition == 1 for each in records):
            raise NotLeaderForPartitionError
        return await delete(self, records, timeout_ms)

    monkeypatch.setattr(AIOKafkaAdminClient, "delete_records", refuses_one)
    with capture_logs() as lines:
        for partition in (0, 1):
            await ground.publish(f"picture of {partition}".encode(), partition)
        await ground.until(lambda: not ground.holds(b"picture of 0"), "the served partition's picture to go")
        assert ground.holds(b"picture of 1")
        serves = True
        await ground.until(lambda: not ground.holds(b"picture of 1"), "the other one's to go as well")
    said = [line["event"] for line in lines]
    assert said == [
        "processed pictures are not deleted now, trying again",
        "processed pictures are deleted again",
    ]


@dataclass
class Compacted:
    """A compacted topic of two partitions. in_transactions: a producer whose writes each end with a mark."""

    kafka: Kafka
    topic: str
    producer: AIOKafkaProducer
    in_transactions: AIOKafkaProducer

    def closer(self) -> Closer:
        """Of a worker that has just been given both partitions."""

        async def send(output: Output):
            return await self.producer.send(output.topic, output.value, output.key, output.partition)

        made = Closer(
            topic=self.topic,
            evidence=Evidence(Connection(self.kafka.bootstrap()), self.topic),
            send=send,
            may_send=lambda: True,
            clock_ms=lambda: time.time_ns() // 1_000_000,
        )
        made.assigned([0, 1])
        return made

    async def erase(self, value: bytes) -> None:
        """Write it, and erase it in a transaction."""
        await self.producer.send_and_wait(self.topic, value, key=b"entry", partition=0)
        async with self.in_transactions.transaction():
            await self.in_transactions.send_and_wait(self.topic, None, key=b"entry", partition=0)

    def holds(self, what: bytes) -> bool:
        """As `on_disk`."""
        return on_disk(self.kafka, self.topic, what)

    async def fillers(self) -> list[int]:
        """Their partitions."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.bootstrap(), auto_offset_reset="earliest")
        consumer.assign([TopicPartition(self.topic, number) for number in (0, 1)])
        found: list = []
        async with consumer:
            while batch := await consumer.getmany(timeout_ms=500):
                found += [record for records in batch.values() for record in records]
        return [record.partition for record in found if record.key == FILLER_KEY]


@pytest.fixture
async def compacted(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Compacted]:
    monkeypatch.setattr(closer, "CLOCKS_MS", 100)
    topic = f"compacted{next(_numbers)}"
    settings = {
        "cleanup.policy": "compact",
        "max.compaction.lag.ms": str(SEGMENT_MS),
        "file.delete.delay.ms": "0",
    }
    async with AsyncExitStack() as stack:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap())
        await admin.start()
        stack.push_async_callback(admin.close)
        await admin.create_topics([NewTopic(topic, 2, 1, topic_configs=settings)])
        stack.push_async_callback(admin.delete_topics, [topic])
        plain = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap())
        fenced = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap(), transactional_id=topic)
        yield Compacted(kafka, topic, await stack.enter_async_context(plain), await stack.enter_async_context(fenced))


async def test_what_was_erased_from_an_idle_partition_leaves_the_disk_by_one_filler(compacted: Compacted) -> None:
    await compacted.erase(b"who asked")
    ours = compacted.closer()
    await ours.look()
    assert (await compacted.fillers(), compacted.holds(b"who asked")) == ([], True), "it is too young"
    deadline = time.monotonic() + GONE_S
    while compacted.holds(b"who asked"):
        assert time.monotonic() < deadline, "what was erased stays"
        await ours.look()
        await asyncio.sleep(0.1)
    await asyncio.sleep(1.5 * SEGMENT_MS / 1000)
    await ours.look()
    await compacted.closer().look()
    assert await compacted.fillers() == [0], "none follows, from a new owner neither, and none where nothing was"
