"""The end of a partition read once more, by a consumer of its own: what was appended since a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.wire.connection import Connection
from streams.wire.topics import FILLER_KEY

PATIENCE_S: Final = 10.0
STOP_S: Final = 1.0
POLL_MS: Final = 200


class TailError(Exception):
    """The broker does not say what it has of the partition."""


@dataclass(frozen=True, slots=True)
class Tail:
    """by_time: the broker can be asked for the offset of a time; otherwise all that there is is read."""

    topic: str
    connection: Connection
    by_time: bool

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
            # in a task, and not for ever: aiokafka's stop waits for fetches to an absent broker, or ends as they do
            await asyncio.wait({asyncio.create_task(consumer.stop())}, timeout=STOP_S)

    async def _read(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, since_ms: int, apply: Callable[[Any], object]
    ) -> None:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        if self.by_time:
            found = (await consumer.offsets_for_times({partition: max(0, since_ms)}))[partition]
            consumer.seek(partition, end if found is None else found.offset)
        else:
            await consumer.seek_to_beginning(partition)
        while await consumer.position(partition) < end:
            for record in (await consumer.getmany(partition, timeout_ms=POLL_MS)).get(partition, []):
                if record.key != FILLER_KEY:
                    apply(record)
