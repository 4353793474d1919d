"""What the brokers say of themselves while something is erased: ends, commits, copies, settings, the log itself.

One look is a few questions over connections of its own, closed at its end; which partitions a topic has, it asks once.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from streams.engine.topics.admin import AdminError, admin_client
from streams.engine.topics.found import FoundTopic, Housekeeping, read_housekeeping, read_topics
from streams.wire.connection import Connection

STALL_S: Final = 10.0
STOP_S: Final = 1.0
POLL_MS: Final = 200

Offsets = Mapping[int, int]
"""By partition."""


class EvidenceError(Exception):
    """The brokers do not say: they are away, or a part of them is."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Asks them. group: the workers' consumer group."""

    connection: Connection
    group: str

    @asynccontextmanager
    async def look(self) -> AsyncIterator["Look"]:
        """One look. Whatever the brokers do not answer in it is an EvidenceError."""
        consumer = AIOKafkaConsumer(
            **self.connection.client_options(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_uncommitted",  # what was written and never committed lies on the disks as well
        )
        try:
            async with admin_client(self.connection) as admin:
                await consumer.start()
                yield Look(admin, consumer, self.group)
        except (KafkaError, AdminError, TimeoutError) as error:
            raise EvidenceError(str(error) or type(error).__name__) from error
        finally:
            # in a task, and not for ever: aiokafka's stop waits for fetches to an absent broker, or ends as they do
            await asyncio.wait({asyncio.create_task(consumer.stop())}, timeout=STOP_S)


@dataclass(slots=True)
class Look:
    """Answers as of one moment, more or less. Topics by their full names.

    Every question raises KafkaError, AdminError or TimeoutError.
    """

    admin: AIOKafkaAdminClient
    consumer: AIOKafkaConsumer
    group: str
    _described: dict[str, Any] = field(default_factory=dict)

    async def starts(self, topic: str) -> Offsets:
        """The first offset that each partition still serves."""
        return _by_number(await self.consumer.beginning_offsets(await self._partitions(topic)))

    async def ends(self, topic: str) -> Offsets:
        """The offset behind the last record of each partition."""
        return _by_number(await self.consumer.end_offsets(await self._partitions(topic)))

    async def committed(self, topic: str) -> Offsets:
        """Up to where the workers have answered each partition; one without a commit is left out."""
        partitions = await self._partitions(topic)
        async with asyncio.timeout(STALL_S):
            found = await self.admin.list_consumer_group_offsets(self.group, partitions=partitions)
        return {tp.partition: said.offset for tp, said in found.items() if said.offset >= 0}

    async def copies_in_sync(self, topics: Iterable[str]) -> bool:
        """Whether every copy of every partition has what the leader has; asked anew each time."""
        described = [partition for topic in topics for partition in (await self._described_now(topic))["partitions"]]
        return all(set(partition["isr"]) == set(partition["replicas"]) for partition in described)

    async def settings(self, topics: Sequence[str]) -> tuple[Mapping[str, FoundTopic], Housekeeping]:
        """What is in effect, by the topic's full name."""
        async with asyncio.timeout(STALL_S):
            return await read_topics(self.admin, topics, configs=True), await read_housekeeping(self.admin)

    async def next_after(self, topic: str, moment_ms: int) -> Offsets:
        """The offset of the first record that was appended after this moment, or behind the last one."""
        ends = await self.ends(topic)
        found = await self.consumer.offsets_for_times({TopicPartition(topic, number): moment_ms + 1 for number in ends})
        return dict(ends) | {tp.partition: said.offset for tp, said in found.items() if said is not None}

    async def records(self, topic: str, partition: int) -> AsyncIterator[Any]:
        """Every record that the partition's leader serves now, of whatever transaction."""
        tp = TopicPartition(topic, partition)
        end = (await self.consumer.end_offsets([tp]))[tp]
        self.consumer.assign([tp])
        await self.consumer.seek_to_beginning(tp)
        heard_at = time.monotonic()
        while await self.consumer.position(tp) < end:
            batch = (await self.consumer.getmany(tp, timeout_ms=POLL_MS)).get(tp, ())
            for record in batch:
                yield record
            if batch:
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > STALL_S:
                raise TimeoutError(f"{topic}-{partition} does not go on before offset {end}")
        self.consumer.unsubscribe()

    async def read(self, topic: str, partition: int, apply: Callable[[Any], object]) -> None:
        """Apply all of `records`."""
        async for record in self.records(topic, partition):
            apply(record)

    async def delete_records(self, topic: str, before: Offsets) -> None:
        """Delete the records of a topic that is not compacted, in each partition below its offset."""
        doomed = {TopicPartition(topic, number): RecordsToDelete(offset) for number, offset in before.items()}
        async with asyncio.timeout(STALL_S):
            await self.admin.delete_records(doomed)

    async def _partitions(self, topic: str) -> list[TopicPartition]:
        described = await self._describe(topic)
        return [TopicPartition(topic, number) for number in sorted(p["partition"] for p in described["partitions"])]

    async def _describe(self, topic: str) -> Any:
        if topic not in self._described:
            self._described[topic] = await self._described_now(topic)
        return self._described[topic]

    async def _described_now(self, topic: str) -> Any:
        async with asyncio.timeout(STALL_S):
            [described] = await self.admin.describe_topics([topic])
        return described


def _by_number(offsets: Mapping[TopicPartition, int]) -> Offsets:
    return {tp.partition: offset for tp, offset in offsets.items()}
