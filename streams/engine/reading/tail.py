"""The end of a partition read once more, by a consumer of its own: what was appended since a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.access.closing import let_go
from streams.access.partition import read_partition
from streams.wire.connection import Connection
from streams.wire.topics import is_filler

PATIENCE_S: Final = 10.0


class TailError(Exception):
    """The broker does not say what it has of the partition."""


@dataclass(frozen=True, slots=True)
class Tail:
    """by_time: the broker can be asked for the offset of a time; otherwise all that there is is read.

    exact_ends: as of the Broker.
    """

    topic: str
    connection: Connection
    by_time: bool
    exact_ends: bool

    async def since(self, partition: int, since_ms: int, apply: Callable[[Any], object]) -> None:
        """Apply every aiokafka record that the partition holds now and that was stamped at `since_ms` or later.

        Older ones may be among them; fillers are not. Raises TailError within some seconds.
        """
        consumer = AIOKafkaConsumer(
            **self.connection.client_options(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                await consumer.start()
                await self._read(consumer, TopicPartition(self.topic, partition), since_ms, apply)
        except (KafkaError, TimeoutError) as error:
            raise TailError(f"{self.topic}-{partition} cannot be read: {error!r}") from error
        finally:
            await let_go(consumer)

    async def _read(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, since_ms: int, apply: Callable[[Any], object]
    ) -> None:
        end = (await consumer.end_offsets([partition]))[partition]
        start = None
        if self.by_time:
            found = (await consumer.offsets_for_times({partition: max(0, since_ms)}))[partition]
            start = end if found is None else found.offset
        async for record in read_partition(consumer, partition, end, start=start, exact_ends=self.exact_ends):
            if not is_filler(record.key, record.value):
                apply(record)
