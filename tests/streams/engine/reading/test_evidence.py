"""What one look asks anew, and what it remembers."""

from dataclasses import dataclass, field

import pytest
from aiokafka import TopicPartition

from streams.engine.reading.evidence import Look

TOPIC = "facestreams.main.visits"


@dataclass
class ScriptedBrokers:
    """An admin client and a consumer in one. copies: of the only partition, those in sync."""

    copies: list[int] = field(default_factory=lambda: [1, 2, 3])
    described: int = 0
    deleted: dict[TopicPartition, int] = field(default_factory=dict)

    async def describe_topics(self, topics):
        assert topics == [TOPIC]
        self.described += 1
        return [{"partitions": [{"partition": 0, "isr": list(self.copies), "replicas": [3, 2, 1]}]}]

    async def end_offsets(self, partitions):
        return dict.fromkeys(partitions, 8)

    async def delete_records(self, doomed):
        self.deleted |= {partition: records.before_offset for partition, records in doomed.items()}


@pytest.fixture
def brokers() -> ScriptedBrokers:
    return ScriptedBrokers()


@pytest.fixture
def look(brokers) -> Look:
    return Look(brokers, brokers, "workers")


async def test_which_copies_are_in_sync_is_asked_each_time(look, brokers) -> None:
    assert await look.copies_in_sync([TOPIC])
    brokers.copies = [1, 3]
    assert not await look.copies_in_sync([TOPIC])


async def test_which_partitions_there_are_is_asked_once(look, brokers) -> None:
    assert await look.ends(TOPIC) == {0: 8} == await look.ends(TOPIC)
    assert brokers.described == 1


async def test_records_are_deleted_below_an_offset(look, brokers) -> None:
    await look.delete_records(TOPIC, {0: 5})
    assert brokers.deleted == {TopicPartition(TOPIC, 0): 5}
