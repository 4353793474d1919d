"""What one look asks anew, what it remembers, and that an answer with something left out is none."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import LeaderNotAvailableError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from streams.engine.reading.evidence import Look, Offsets
from streams.engine.topics.admin import AdminError

TOPIC = "facestreams.main.visits"


@dataclass
class ScriptedBrokers:
    """An admin client and a consumer in one.

    copies: of the only partition, those in sync. error_code: of the topic, which then has no partitions.
    partition_error: of the partition. silent_of: partitions that no answer to a question for offsets names.
    """

    copies: list[int] = field(default_factory=lambda: [1, 2, 3])
    error_code: int = 0
    partition_error: int = 0
    silent_of: set[int] = field(default_factory=set)
    described: int = 0
    deleted: dict[TopicPartition, int] = field(default_factory=dict)

    async def describe_topics(self, topics):
        assert topics == [TOPIC]
        self.described += 1
        partition = {
            "error_code": self.partition_error,
            "partition": 0,
            "isr": list(self.copies),
            "replicas": [3, 2, 1],
        }
        return [
            {
                "topic": TOPIC,
                "error_code": self.error_code,
                "partitions": [] if self.error_code else [partition],
            }
        ]

    async def end_offsets(self, partitions):
        return {each: 8 for each in partitions if each.partition not in self.silent_of}

    beginning_offsets = end_offsets

    async def list_consumer_group_offsets(self, group, *, partitions):
        assert group == "workers"
        return {each: SimpleNamespace(offset=5) for each in partitions if each.partition not in self.silent_of}

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
    assert await look.committed(TOPIC) == {0: 5}
    assert brokers.described == 1


async def test_records_are_deleted_below_an_offset(look, brokers) -> None:
    await look.delete_records(TOPIC, {0: 5})
    assert brokers.deleted == {TopicPartition(TOPIC, 0): 5}


async def test_a_partition_without_a_leader_is_not_in_sync(look, brokers) -> None:
    brokers.partition_error = LeaderNotAvailableError.errno
    assert not await look.copies_in_sync([TOPIC])


Ask = Callable[[Look], Awaitable[bool | Offsets]]
OFFSETS: Mapping[str, Ask] = {
    "starts": lambda look: look.starts(TOPIC),
    "ends": lambda look: look.ends(TOPIC),
    "committed": lambda look: look.committed(TOPIC),
}


@pytest.mark.parametrize("ask", [*OFFSETS.values(), lambda look: look.copies_in_sync([TOPIC])])
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TopicAuthorizationFailedError, f"the broker does not describe {TOPIC}: TopicAuthorizationFailedError"),
        (UnknownTopicOrPartitionError, f"{TOPIC} was deleted while it was looked at"),
    ],
)
async def test_of_a_topic_that_is_not_described_nothing_is_true(look, brokers, ask: Ask, error, said: str) -> None:
    brokers.error_code = error.errno
    with pytest.raises(AdminError, match=f"^{said}$"):
        await ask(look)


@pytest.mark.parametrize("ask", OFFSETS.values(), ids=OFFSETS)
async def test_a_partition_that_an_answer_leaves_out_is_not_taken_for_an_empty_one(look, brokers, ask: Ask) -> None:
    brokers.silent_of = {0}
    with pytest.raises(AdminError, match=f"^the broker says nothing of {TOPIC}-0$"):
        await ask(look)
