"""A topic read once, from its beginning to where it ends at the start, one partition after the other."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.edge.broker import reaching, require_topics, started_consumer
from streams.edge.errors import BrokerUnreachableError
from streams.wire.connection import Connection
from streams.wire.rights import Role
from streams.wire.topics import FILLER_KEY, Topics

POLL_MS: Final = 250
STALL_S: Final = 30.0
"""Longer than the broker lets a transaction of a dead worker stand open: 10 s, and as long until it looks."""

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

    A transaction that is open is waited for: what stands behind it is committed.

    role: as whom we read. exact_ends: the broker says where a partition ends, and not where its last batch begins.
    Raises BrokerUnreachableError, also when nothing comes for `stall_s` though there is more, BrokerRefusedError,
    TopicMissingError, and what `take` raises.
    """
    await require_topics(connection, topics, role, short)
    ends = await _ends(connection, topics.name(short))
    consumer = await started_consumer(connection, topics.name(short), from_beginning=True)
    try:
        with reaching(connection):
            for partition, end in sorted(ends.items()):
                consumer.assign([partition])
                await consumer.seek_to_beginning(partition)
                await _read(consumer, partition, end, take, exact_ends, stall_s)
    except TimeoutError as error:
        raise BrokerUnreachableError(connection.bootstrap_servers) from error
    finally:
        await consumer.stop()


async def _ends(connection: Connection, topic: str) -> dict[TopicPartition, int]:
    """Where each partition ends, and not where its first open transaction begins."""
    asker = await started_consumer(connection, topic, from_beginning=False, committed_alone=False)
    try:
        with reaching(connection):
            return dict(await asker.end_offsets(asker.assignment()))
    finally:
        await asker.stop()


async def _read(
    consumer: AIOKafkaConsumer, partition: TopicPartition, end: int, take: Take, exact_ends: bool, stall_s: float
) -> None:
    async with asyncio.timeout(stall_s) as stall:
        while True:
            position = await consumer.position(partition)
            at_end = position >= end
            if at_end and exact_ends:
                return
            records = (await consumer.getmany(partition, timeout_ms=POLL_MS)).get(partition, [])
            for record in records:
                if record.key != FILLER_KEY and not (exact_ends and record.offset >= end):
                    take(record)
            if at_end:
                return
            # what was taken back, and a transaction's mark, never reach us: the position alone tells of them
            if records or await consumer.position(partition) > position:
                stall.reschedule(asyncio.get_running_loop().time() + stall_s)
