"""Batches that a producer has compressed: the broker takes them apart, and none swells beyond the largest record."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError

from streams.engine.topics import admin
from streams.wire.connection import Connection
from streams.wire.topics import CAMERA_FRAMES, Topics
from tests.kafka.broker import Kafka, java

pytestmark = pytest.mark.broker

CODECS = ("lz4", "zstd")
RECORD_BYTES = 1000


@pytest.fixture
async def frames(kafka: Kafka) -> str:
    topics = Topics(prefix="compressed", partitions=1)
    await admin.create_missing(Connection(kafka.bootstrap()), topics, replication=1)
    return topics.name(CAMERA_FRAMES)


async def test_a_frame_is_read_whatever_codec_it_was_sent_with(kafka: Kafka, frames: str) -> None:
    for codec in CODECS:
        await asyncio.to_thread(_send, kafka.bootstrap(), frames, codec)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap(), auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(frames, 0)])
        async with asyncio.timeout(20):
            sizes = [len((await consumer.getone()).value) for _ in CODECS]
    finally:
        await consumer.stop()
    assert sizes == [RECORD_BYTES] * len(CODECS)


async def test_a_batch_that_swells_beyond_the_largest_record_is_refused(kafka: Kafka, frames: str) -> None:
    swollen = bytes(8 * 1024 * 1024)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap(), compression_type="gzip", max_request_size=2 * len(swollen)
    )
    await producer.start()
    try:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(frames, swollen, b"lobby")
    finally:
        await producer.stop()


def _send(bootstrap: str, topic: str, codec: str) -> None:
    """With Kafka's own producer: aiokafka has these codecs only beside other packages."""
    java(
        "org.apache.kafka.tools.ProducerPerformance",
        *("--topic", topic, "--num-records", "1", "--record-size", str(RECORD_BYTES), "--throughput", "-1"),
        *("--producer-props", f"bootstrap.servers={bootstrap}", f"compression.type={codec}"),
    )
