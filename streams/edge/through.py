"""A topic read once, from its beginning to where it ends at the start, one partition after the other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka import TopicPartition

from streams.access.closing import let_go
from streams.access.partition import STALL_S, StalledError, read_partition
from streams.edge.broker import reaching, require_topics, started_consumer
from streams.edge.errors import BrokerUnreachableError
from streams.wire.connection import Connection
from streams.wire.rights import Role
from streams.wire.topics import Topics, is_filler

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
    ends = await ends_of(connection, topics.name(short))
    consumer = await started_consumer(connection, topics.name(short), from_beginning=True)
    try:
        with reaching(connection), _naming_what_stalls(connection):
            for partition, end in sorted(ends.items()):
                reading = read_partition(consumer, partition, end, exact_ends=exact_ends, stall_s=stall_s)
                async for record in reading:
                    if not is_filler(record.key, record.value):
                        take(record)
    finally:
        await let_go(consumer)


@contextmanager
def _naming_what_stalls(connection: Connection) -> Iterator[None]:
    try:
        yield
    except StalledError as error:
        raise BrokerUnreachableError(connection.bootstrap_servers, str(error)) from error


async def ends_of(connection: Connection, topic: str) -> dict[TopicPartition, int]:
    """Where each partition of an existing topic ends, and not where its first open transaction begins.

    To see the topic (Describe) is enough. Raises BrokerUnreachableError or BrokerRefusedError.
    """
    asker = await started_consumer(connection, topic, from_beginning=False, committed_alone=False)
    try:
        with reaching(connection):
            return dict(await asker.end_offsets(asker.assignment()))
    finally:
        await let_go(asker)
