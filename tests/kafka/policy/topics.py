"""Records written and removed by hand, past the worker: what breaks a promise, and what mends it again."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from streams.wire.connection import Connection
from streams.wire.topics import FILLER_KEY, Topics

PATIENCE_S: Final = 60.0
LAG_S: Final = 1.2
"""A little more than the time after which a segment is closed by what is appended."""

Place = tuple[str, int, int]
"""A topic's short name, a partition and an offset."""


class Hand:
    """Writes and removes."""

    def __init__(self, connection: Connection, topics: Topics) -> None:
        self._connection = connection
        self._topics = topics

    async def write(
        self,
        short: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int = 0,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Place:
        """One record; where it stands."""
        producer = AIOKafkaProducer(**self._connection.client_options(), acks="all")
        await producer.start()
        try:
            sent = await producer.send_and_wait(
                self._topics.name(short), value, key=key, partition=partition, headers=list(headers)
            )
        finally:
            await producer.stop()
        return short, sent.partition, sent.offset

    async def records(self, short: str) -> list[Any]:
        """All that the topic holds now, replaced values that are not compacted yet among them; fillers are not."""
        spec = self._topics.spec(short)
        partitions = [TopicPartition(spec.name, number) for number in range(spec.partitions)]
        consumer = AIOKafkaConsumer(
            **self._connection.client_options(),
            group_id=None,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await consumer.start()
        try:
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            await consumer.seek_to_beginning()
            found: list[Any] = []
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found += [record for record in batch if record.key != FILLER_KEY]
            return found
        finally:
            await consumer.stop()

    async def erase(self, short: str, key: bytes, partition: int) -> None:
        """A tombstone, and what it takes until no value of the key is there any more."""
        await self.write(short, None, key=key, partition=partition)
        await self._compacted(short, key, partition, left=0)

    async def restore(self, short: str, record: Any) -> None:
        """Write a record again as it was, and wait until it alone is left of its key."""
        await self.write(short, record.value, key=record.key, partition=record.partition, headers=record.headers)
        await self._compacted(short, record.key, record.partition, left=1)

    async def delete(self, place: Place) -> None:
        """A record, and all before it, off the disk."""
        short, partition, offset = place
        admin = AIOKafkaAdminClient(**self._connection.client_options())
        await admin.start()
        try:
            await asyncio.sleep(LAG_S)
            await self.write(short, b"", key=FILLER_KEY, partition=partition)
            tp = TopicPartition(self._topics.name(short), partition)
            await admin.delete_records({tp: RecordsToDelete(before_offset=offset + 1)})
        finally:
            await admin.close()

    async def _compacted(self, short: str, key: bytes, partition: int, *, left: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while sum(bool(record.value) for record in await self.records(short) if record.key == key) > left:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{short}-{partition} was not compacted")
            await asyncio.sleep(LAG_S)
            await self.write(short, b"", key=FILLER_KEY, partition=partition)
