"""What the campaign says to a broker: records of any bytes in, whole topics out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Any
from unittest.mock import patch

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.producer import message_accumulator, producer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from streams.wire.connection import Connection
from streams.wire.topics import Topics

MAX_REQUEST_BYTES = 8 * 1024 * 1024


class RawName(str):
    """A header's name that is sent as these bytes, text or not."""

    __slots__ = ("sent",)

    sent: bytes

    def __new__(cls, sent: bytes) -> "RawName":
        """Make one."""
        name = super().__new__(cls, "raw")
        name.sent = sent
        return name

    def encode(self, *_: object) -> bytes:
        """What the batch's builder asks for."""
        return self.sent


@asynccontextmanager
async def raw_producer(connection: Connection) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that sends RawName as it is: its batches are built by Python, which asks the name for its bytes."""
    with ExitStack() as stack:
        for module in (message_accumulator, producer):
            stack.enter_context(patch.object(module, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy))
        raw = AIOKafkaProducer(**connection.client_options(), max_request_size=MAX_REQUEST_BYTES)
        await raw.start()
        try:
            yield raw
        finally:
            await raw.stop()


@asynccontextmanager
async def reading(
    connection: Connection, topics: Topics, short: str, take: Callable[[Any], object]
) -> AsyncIterator[None]:
    """Hand every record of the topic, from its beginning on, to `take` while the context is open."""
    consumer = await _consumer(connection, topics, short)

    async def read() -> None:
        async for message in consumer:
            take(message)

    task = asyncio.create_task(read())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await consumer.stop()


async def read_all(connection: Connection, topics: Topics, short: str) -> list[Any]:
    """All records that the topic holds now."""
    consumer = await _consumer(connection, topics, short)
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[Any] = []
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += batch
        return found
    finally:
        await consumer.stop()


async def _consumer(connection: Connection, topics: Topics, short: str) -> AIOKafkaConsumer:
    name, numbers = topics.name(short), range(topics.spec(short).partitions)
    consumer = AIOKafkaConsumer(**connection.client_options(), group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(name, number) for number in numbers])
    await consumer.seek_to_beginning()
    return consumer
