"""The error log's ceiling on Apache Kafka, scaled down: a flood of failures never takes more than is computed."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.agents.journal import Journal
from streams.app.beat import TICK_S
from streams.audit.files import taken_bytes
from streams.engine.outlet import Output
from streams.engine.request import Request
from streams.logs.error import Repeats
from streams.logs.running import Asked
from streams.wire import topics as wire_topics
from streams.wire.codes import Code
from streams.wire.connection import Connection
from streams.wire.event_id import EventId
from streams.wire.headers import Caller, Deployment
from streams.wire.topics import ERROR_LOG, MS_PER_SECOND, Topics, TopicSpec, error_log_bound_bytes
from tests.kafka.broker import QUICK, Kafka

pytestmark = pytest.mark.broker

MIB = 1024 * 1024
RATE_BYTES_PER_S = MIB
PATIENCE_S = 100
TIMES = 2
"""How often the flood writes what the bound allows: most of it must have been removed by then."""
WORKERS = 3
FAILURES_A_TURN = 90
"""Each of a camera of its own and of about a kilobyte, a turn each 20 ms: more than the rate lets through."""

SCALED = {"retention.bytes": str(MIB), "segment.bytes": str(MIB), "file.delete.delay.ms": str(MS_PER_SECOND)}


@pytest.fixture
def spec(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> Iterator[TopicSpec]:
    """The error log as it is declared, with a limit that is reached within seconds."""
    monkeypatch.setattr(wire_topics, "ERROR_LOG_RATE_CAP_BYTES_PER_S", RATE_BYTES_PER_S)
    declared = Topics(prefix="flooded", partitions=WORKERS).spec(ERROR_LOG)
    spec = replace(declared, config={**declared.config, **SCALED})
    asyncio.run(administer(kafka, spec, create=True))
    yield spec
    asyncio.run(administer(kafka, spec, create=False))


async def administer(kafka: Kafka, spec: TopicSpec, *, create: bool) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap())
    await client.start()
    try:
        if create:
            await client.create_topics([NewTopic(spec.name, spec.partitions, 1, topic_configs=spec.settings(1))])
        else:
            await client.delete_topics([spec.name])
    finally:
        await client.close()


def on_disk_bytes(directory: Path) -> int:
    """What the partition's files take, those included that are renamed and wait for their deletion."""
    return sum(map(taken_bytes, directory.glob("*")))  # none as long as the broker has not made it


class Flood:
    """Workers whose every request fails, with the writer that they have."""

    def __init__(self, spec: TopicSpec, producer: AIOKafkaProducer) -> None:
        topics = Topics(prefix="flooded", partitions=WORKERS)
        self._topic = spec.name
        self._producer = producer
        self._offset = 0
        self.failures = 0
        self.written = self.written_bytes = 0
        self._journals = [
            Journal(
                topics=topics,
                deployment=Deployment(account="main", app_id="77", region="eu"),
                repeats=Repeats(topics.error_log_bytes_per_s),
                clock_ms=lambda: time.time_ns() // 1_000_000,
            )
            for _ in range(WORKERS)
        ]

    async def turn(self) -> None:
        """Some failures of each worker."""
        for journal in self._journals:
            for _ in range(FAILURES_A_TURN // WORKERS):
                for output in self._fail(journal):
                    await self.send(output)

    async def tick(self) -> None:
        """Once a second, as a worker does."""
        while True:
            await asyncio.sleep(TICK_S)
            for journal in self._journals:
                await journal.write_sums(self.send)

    async def send(self, output: Output) -> "asyncio.Future":
        if output.topic == self._topic:
            self.written += 1
            self.written_bytes += len(output.value or b"")
            return await self._producer.send(output.topic, output.value)
        answered = asyncio.get_running_loop().create_future()
        answered.set_result(None)
        return answered

    def _fail(self, journal: Journal) -> list[Output]:
        self._offset += 1
        self.failures += 1
        asked = Asked(
            event_id=EventId("0a0b0c0d", "camera-frames", 0, self._offset),
            interface="recognize",
            caller=Caller(uin="100001"),
            requested_at_ms=1,
            camera_id=f"camera-{self._offset % 5000}",
        )
        request = Request("frames", 0, self._offset, 1, b"lobby", b"no picture", (), 1)
        return journal.failure(request, asked, Code.NOT_A_PICTURE, "x" * 600)


async def test_a_flood_of_failures_stays_below_the_computed_bound(kafka: Kafka, spec: TopicSpec) -> None:
    directory = kafka.nodes[0].data_dir / f"{spec.name}-0"
    bound = error_log_bound_bytes(
        spec, retention_check_interval_s=int(QUICK["log.retention.check.interval.ms"]) / MS_PER_SECOND
    )
    assert bound == 5 * MIB
    sizes: list[int] = []

    async def sample() -> None:
        while True:
            sizes.append(await asyncio.to_thread(on_disk_bytes, directory))
            await asyncio.sleep(0.02)

    async with AIOKafkaProducer(**Connection(kafka.bootstrap()).client_options()) as producer:
        flood = Flood(spec, producer)
        beside = [asyncio.create_task(sample()), asyncio.create_task(flood.tick())]
        async with asyncio.timeout(PATIENCE_S):
            while flood.written_bytes < TIMES * bound:
                await flood.turn()
                await asyncio.sleep(0.02)
        for task in beside:
            task.cancel()
        ended = await asyncio.gather(*beside, return_exceptions=True)
        assert [type(each) for each in ended] == [asyncio.CancelledError] * 2
        await producer.flush()
    assert max(sizes) <= bound
    assert flood.written < flood.failures, "or nothing was held back"
