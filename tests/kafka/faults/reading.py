"""What the broker has: everything that stands on topics of ours, and who holds which partitions."""

import json
from collections.abc import Iterable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.structs import ConsumerRecord

from streams.engine.outlet import GENERATION_HEADER
from streams.wire.connection import Connection
from streams.wire.topics import CAMERA_FRAMES, Topics
from tests.kafka.faults.count import Read


class Collector:
    """Reads topics as they grow, whatever happens to the broker in between."""

    def __init__(self, connection: Connection, topics: Topics, shorts: Iterable[str]) -> None:
        self._consumer = AIOKafkaConsumer(
            **connection.client_options(), group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        self._shorts = {topics.name(short): short for short in shorts}
        self._partitions = [
            TopicPartition(name, number)
            for name, short in self._shorts.items()
            for number in range(topics.spec(short).partitions)
        ]
        self.records: dict[str, list[Read]] = {short: [] for short in self._shorts.values()}

    async def start(self) -> None:
        """From the beginning of each topic."""
        await self._consumer.start()
        self._consumer.assign(self._partitions)
        await self._consumer.seek_to_beginning()

    async def read_to_the_end(self) -> None:
        """Return once all is read that stood there at the call."""
        ends = await self._consumer.end_offsets(self._partitions)
        while True:
            for partition, messages in (await self._consumer.getmany(timeout_ms=200)).items():
                self.records[self._shorts[partition.topic]] += [
                    _read(message)
                    for message in messages
                    if message.value and not (message.key or b"").startswith(b"~")
                ]
            if all([await self._consumer.position(each) >= end for each, end in ends.items()]):
                return

    async def stop(self) -> None:
        """Close it."""
        await self._consumer.stop()


def _read(message: ConsumerRecord) -> Read:
    headers: Mapping[str, bytes] = dict(message.headers)
    return Read(
        partition=message.partition,
        offset=message.offset,
        appended_ms=message.timestamp,
        key=None if message.key is None else message.key.decode(),
        generation=int(headers.get(GENERATION_HEADER, b"-1")),
        value=json.loads(message.value),
    )


async def partitions_by_member(connection: Connection, group_id: str) -> list[int]:
    """How many partitions of camera-frames each member of the group holds; empty while it rebalances."""
    client = AIOKafkaAdminClient(**connection.client_options())
    await client.start()
    try:
        (answer,) = await client.describe_consumer_groups([group_id])
    finally:
        await client.close()
    (_error, _group, state, _kind, _protocol, members, *_rest) = answer.groups[0]
    if state != "Stable":
        return []
    held = [ConsumerProtocolMemberAssignment.decode(member[-1]).assignment for member in members]
    return [sum(len(partitions) for topic, partitions in each if topic.endswith(f".{CAMERA_FRAMES}")) for each in held]
