"""What the brokers say of themselves while something is erased: ends, commits, copies, settings, the log itself.

One look is a few questions over connections of its own, closed at its end; which partitions a topic has, it asks once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from streams.access.closing import let_go
from streams.access.partition import read_partition
from streams.engine.topics.admin import AdminError, admin_client
from streams.engine.topics.found import (
    FoundTopic,
    Housekeeping,
    are_in_sync,
    describe,
    read_housekeeping,
    read_topics,
)
from streams.wire.connection import Connection

ANSWER_S: Final = 10.0

Offsets = Mapping[int, int]
"""By partition."""


class EvidenceError(Exception):
    """The brokers do not say: they are away, or a part of them is."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Asks them. group: the workers' consumer group. exact_ends: as of the Broker."""

    connection: Connection
    group: str
    exact_ends: bool = True

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
                yield Look(admin, consumer, self.group, self.exact_ends)
        except (KafkaError, AdminError, TimeoutError) as error:
            raise EvidenceError(str(error) or type(error).__name__) from error
        finally:
            await let_go(consumer)


@dataclass(slots=True)
class Look:
    """Answers as of one moment, more or less. Topics by their full names.

    Every question raises KafkaError, AdminError or TimeoutError.
    """

    admin: AIOKafkaAdminClient
    consumer: AIOKafkaConsumer
    group: str
    exact_ends: bool = True
    _described: dict[str, Any] = field(default_factory=dict)

    async def starts(self, topic: str) -> Offsets:
        """The first offset that each partition still serves."""
        partitions = await self._partitions(topic)
        return _by_number(partitions, await self.consumer.beginning_offsets(partitions))

    async def ends(self, topic: str) -> Offsets:
        """The offset behind the last record of each partition."""
        partitions = await self._partitions(topic)
        return _by_number(partitions, await self.consumer.end_offsets(partitions))

    async def committed(self, topic: str) -> Offsets:
        """Up to where the workers have answered each partition; one without a commit is left out."""
        partitions = await self._partitions(topic)
        async with asyncio.timeout(ANSWER_S):
            found = await self.admin.list_consumer_group_offsets(self.group, partitions=partitions)
        offsets = _by_number(partitions, {tp: said.offset for tp, said in found.items()})
        return {number: offset for number, offset in offsets.items() if offset >= 0}

    async def copies_in_sync(self, topics: Iterable[str]) -> bool:
        """Whether every copy of every partition has what the leader has; asked anew each time."""
        described = [partition for topic in topics for partition in (await self._described_now(topic))["partitions"]]
        return are_in_sync(described)

    async def settings(self, topics: Sequence[str]) -> tuple[Mapping[str, FoundTopic], Housekeeping]:
        """What is in effect, by the topic's full name, of each of them."""
        async with asyncio.timeout(ANSWER_S):
            found, brokers = await read_topics(self.admin, topics, configs=True), await read_housekeeping(self.admin)
        if missing := [topic for topic in topics if topic not in found]:
            raise AdminError(f"{', '.join(missing)}: not there, or not to be described by this user")
        return found, brokers

    async def next_after(self, topic: str, moment_ms: int) -> Offsets:
        """The offset of the first record that was appended after this moment, or behind the last one."""
        ends = await self.ends(topic)
        found = await self.consumer.offsets_for_times({TopicPartition(topic, number): moment_ms + 1 for number in ends})
        return dict(ends) | {tp.partition: said.offset for tp, said in found.items() if said is not None}

    async def records(self, topic: str, partition: int) -> AsyncIterator[Any]:
        """Every record that the partition's leader serves now, of whatever transaction."""
        tp = TopicPartition(topic, partition)
        end = (await self.consumer.end_offsets([tp]))[tp]
        async for record in read_partition(self.consumer, tp, end, exact_ends=self.exact_ends):
            yield record
        self.consumer.unsubscribe()

    async def read(self, topic: str, partition: int, apply: Callable[[Any], object]) -> None:
        """Apply all of `records`."""
        async for record in self.records(topic, partition):
            apply(record)

    async def delete_records(self, topic: str, before: Offsets) -> None:
        """Delete the records of a topic that is not compacted, in each partition below its offset."""
        doomed = {TopicPartition(topic, number): RecordsToDelete(offset) for number, offset in before.items()}
        async with asyncio.timeout(ANSWER_S):
            await self.admin.delete_records(doomed)

    async def _partitions(self, topic: str) -> list[TopicPartition]:
        described = await self._describe(topic)
        return [TopicPartition(topic, number) for number in sorted(p["partition"] for p in described["partitions"])]

    async def _describe(self, topic: str) -> Any:
        if topic not in self._described:
            self._described[topic] = await self._described_now(topic)
        return self._described[topic]

    async def _described_now(self, topic: str) -> Any:
        async with asyncio.timeout(ANSWER_S):
            return (await describe(self.admin, [topic]))[topic]


def _by_number(asked: Iterable[TopicPartition], offsets: Mapping[TopicPartition, int]) -> Offsets:
    """Of every partition that was asked for: one that is left out would pass for one without records."""
    for tp in asked:
        if tp not in offsets:
            raise AdminError(f"the broker says nothing of {tp.topic}-{tp.partition}")
    return {tp.partition: offset for tp, offset in offsets.items()}
