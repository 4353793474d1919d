"""One partition, read to an end that was asked for before: by a consumer in no group, and never waited for for ever."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

POLL_MS: Final = 200
STALL_S: Final = 30.0
"""Longer than the broker lets a transaction of a dead worker stand open: 10 s, and as long until it looks."""


class StalledError(KafkaTimeoutError):  # type: ignore[misc]  # aiokafka is untyped
    """The broker has more of a partition, and nothing of it came for `stall_s`."""

    def __init__(self, partition: TopicPartition, end: int, stall_s: float) -> None:
        super().__init__(partition, end, stall_s)
        self.partition, self.end, self.stall_s = partition, end, stall_s

    def __str__(self) -> str:
        where = f"{self.partition.topic}-{self.partition.partition}"
        return f"{where} is not read to its end at offset {self.end}: nothing more of it came for {self.stall_s:g} s"

    __repr__ = __str__


async def read_partition(
    consumer: AIOKafkaConsumer,
    partition: TopicPartition,
    end: int,
    *,
    start: int | None = None,
    exact_ends: bool = True,
    stall_s: float = STALL_S,
) -> AsyncIterator[Any]:
    """Every record below the offset `end`, in order, as aiokafka has it; the consumer is assigned this partition alone.

    A consumer that reads what is committed waits for a transaction that is open.

    start: the first offset; None: the partition's beginning. exact_ends: as of the Broker; without them, what comes
    with the last batch is handed on as well. Raises StalledError, and KafkaError as the consumer does.
    """
    consumer.assign([partition])
    try:
        async with asyncio.timeout(stall_s):
            if start is None:
                await consumer.seek_to_beginning(partition)
            else:
                consumer.seek(partition, start)
            position = await consumer.position(partition)
        while position < end:
            async with asyncio.timeout(stall_s):
                batch, position = await _next(consumer, partition, position)
            for record in batch:
                if record.offset < end or not exact_ends:
                    yield record
        if not exact_ends:
            for record in await _polled(consumer, partition):
                yield record
    except TimeoutError as error:
        raise StalledError(partition, end, stall_s) from error


async def _next(consumer: AIOKafkaConsumer, partition: TopicPartition, position: int) -> tuple[Sequence[Any], int]:
    """The next records, and where reading stands behind them."""
    while True:
        batch, now = await _polled(consumer, partition), await consumer.position(partition)
        # what was taken back, and a transaction's mark, never reach us: the position alone tells of them
        if batch or now > position:
            return batch, now


async def _polled(consumer: AIOKafkaConsumer, partition: TopicPartition) -> Sequence[Any]:
    found: Sequence[Any] = (await consumer.getmany(partition, timeout_ms=POLL_MS)).get(partition, ())
    return found
