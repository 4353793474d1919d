"""A topic read once, from its beginning to where it ends at the start, one partition after the other."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from streams.edge.broker import reaching, require_topics, started_consumer
from streams.edge.errors import BrokerUnreachableError
from streams.wire.connection import Connection
from streams.wire.rights import Role
from streams.wire.topics import FILLER_KEY, Topics

POLL_MS: Final = 250
STALL_S: Final = 30.0

Take = Callable[[Any], object]
"""Takes one aiokafka record."""


async def read_through(
    connection: Connection,
    topics: Topics,
    short: str,
    take: Take,
    *,
    role: Role,
    exact_ends: bool,
    stall_s: float = STALL_S,
) -> None:
    """Hand `take` all that the topic holds, but for fillers, in each partition's order.

    role: as whom we read. exact_ends: the broker says where a partition ends, and not where its last batch begins.
    Raises BrokerUnreachableError, also when nothing comes for `stall_s` though there is more, BrokerRefusedError,
    TopicMissingError, and what `take` raises.
    """
    await require_topics(connection, topics, role, short)
    consumer = await started_consumer(connection, topics.name(short), from_beginning=True)
    try:
        with reaching(connection):
            partitions = sorted(consumer.assignment())
            ends = await consumer.end_offsets(partitions)
            for partition in partitions:
                consumer.assign([partition])
                await consumer.seek_to_beginning(partition)
                await _read(consumer, partition, ends[partition], take, exact_ends, stall_s)
    except TimeoutError as error:
        raise BrokerUnreachableError(connection.bootstrap_servers) from error
    finally:
        await consumer.stop()


async def _read(
    consumer: AIOKafkaConsumer, partition: Any, end: int, take: Take, exact_ends: bool, stall_s: float
) -> None:
    async with asyncio.timeout(stall_s) as stall:
        while True:
            at_end = await consumer.position(partition) >= end
            if at_end and exact_ends:
                return
            records = (await consumer.getmany(partition, timeout_ms=POLL_MS)).get(partition, [])
            for record in records:
                if record.key != FILLER_KEY and not (exact_ends and record.offset >= end):
                    take(record)
            if at_end:
                return
            if records:
                stall.reschedule(asyncio.get_running_loop().time() + stall_s)
