import asyncio
import socket

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.edge.broker import require_topics, started_consumer, started_producer
from streams.edge.errors import BrokerUnreachableError, TopicMissingError
from streams.wire.connection import Connection
from streams.wire.rights import Role
from streams.wire.topics import RECOGNITIONS, SIGHTINGS, Topics


@pytest.fixture
def nobody() -> Connection:
    """An address at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Connection(f"127.0.0.1:{probe.getsockname()[1]}")


async def test_a_missing_broker_is_named(nobody: Connection) -> None:
    line = f"no Kafka broker answers at {nobody.bootstrap_servers}"
    for attempt in (
        require_topics(nobody, Topics(), Role.CONSUMER, SIGHTINGS),
        started_producer(nobody, max_picture_bytes=1000),
        started_consumer(nobody, "any", from_beginning=False),
    ):
        with pytest.raises(BrokerUnreachableError) as refused:
            await attempt
        assert str(refused.value) == line


@pytest.mark.broker
async def test_a_missing_topic_is_named_and_not_created(connection: Connection, topics: Topics) -> None:
    await require_topics(connection, topics, Role.CONSUMER, SIGHTINGS, RECOGNITIONS)

    other = Topics(prefix=topics.prefix, account="nobody")
    for _ in range(2):
        with pytest.raises(TopicMissingError) as refused:
            await require_topics(connection, other, Role.CONSUMER, SIGHTINGS)
        assert str(refused.value) == (
            f"topic {topics.prefix}.nobody.sightings does not exist: run `facestreams topics create`"
        )


@pytest.mark.broker
async def test_a_consumers_place_is_settled_when_it_is_handed_over(connection: Connection, topics: Topics) -> None:
    topic = topics.name(SIGHTINGS)
    producer = await started_producer(connection, max_picture_bytes=1000)
    try:
        late = await started_consumer(connection, topic, from_beginning=False)
        await _send(producer, topic, [b"a", b"b", b"c"])
        early = await started_consumer(connection, topic, from_beginning=True)
        try:
            assert await _values(late, 3) == await _values(early, 3) == [b"a", b"b", b"c"]
        finally:
            await late.stop()
            await early.stop()
    finally:
        await producer.stop()


async def _send(producer: AIOKafkaProducer, topic: str, values: list[bytes]) -> None:
    for number, value in enumerate(values):
        await producer.send_and_wait(topic, value, partition=number % 2)


async def _values(consumer: AIOKafkaConsumer, count: int) -> list[bytes]:
    async with asyncio.timeout(10):
        return sorted([(await consumer.getone()).value for _ in range(count)])
