"""A topic read once to its end, on each broker."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from streams.edge.errors import BrokerRefusedError, BrokerUnreachableError, TopicMissingError
from streams.edge.through import read_through
from streams.engine.brokers import Broker
from streams.wire.connection import Connection
from streams.wire.rights import Role
from streams.wire.topics import FILLER_KEY, RUNNING_LOG, Topics

HOW = {"role": Role.BILLER, "exact_ends": True}


@pytest.mark.broker
async def test_partition_after_partition_each_in_its_order_and_no_filler(
    broker: Broker, connection: Connection, topics: Topics
) -> None:
    topic = topics.name(RUNNING_LOG)
    async with AIOKafkaProducer(**connection.client_options()) as producer:
        for number in range(30):
            await producer.send_and_wait(topic, b"{}", str(number).encode(), partition=1 - number % 2)
        await producer.send_and_wait(topic, b"", FILLER_KEY, partition=0)

    found: list[tuple[int, int]] = []
    await read_through(
        connection,
        topics,
        RUNNING_LOG,
        lambda record: found.append((record.partition, int(record.key))),
        role=Role.BILLER,
        exact_ends=broker.exact_ends,
    )
    assert found == [(0, number) for number in range(1, 30, 2)] + [(1, number) for number in range(0, 30, 2)]


@pytest.mark.broker
@pytest.mark.parametrize("broker", ["kafka"], indirect=True)
async def test_what_was_taken_back_is_not_read(broker: Broker, connection: Connection, topics: Topics) -> None:
    topic = topics.name(RUNNING_LOG)
    found: list[bytes] = []
    async with (
        AIOKafkaProducer(**connection.client_options(), transactional_id=topics.name("t")) as careful,
        AIOKafkaProducer(**connection.client_options()) as producer,
    ):
        await careful.begin_transaction()
        await careful.send_and_wait(topic, b"{}", b"taken back", partition=0)
        await careful.abort_transaction()
        async with careful.transaction():
            await careful.send_and_wait(topic, b"{}", b"kept", partition=0)
        await producer.send_and_wait(topic, b"{}", b"first", partition=1)

        await read_through(connection, topics, RUNNING_LOG, lambda record: found.append(record.key), **HOW)
    assert found == [b"kept", b"first"]


@pytest.mark.broker
@pytest.mark.parametrize("broker", ["kafka"], indirect=True)
async def test_what_stands_behind_an_open_transaction_is_waited_for(
    broker: Broker, connection: Connection, topics: Topics
) -> None:
    topic = topics.name(RUNNING_LOG)
    found: list[bytes] = []
    async with (
        AIOKafkaProducer(**connection.client_options(), transactional_id=topics.name("t")) as dead,
        AIOKafkaProducer(**connection.client_options()) as producer,
    ):
        await dead.begin_transaction()
        await dead.send_and_wait(topic, b"{}", b"open", partition=0)
        await producer.send_and_wait(topic, b"{}", b"behind", partition=0)
        reading = asyncio.create_task(
            read_through(connection, topics, RUNNING_LOG, lambda record: found.append(record.key), **HOW)
        )
        done, _ = await asyncio.wait({reading}, timeout=1)
        assert not done
        assert found == []
        await dead.abort_transaction()
        await reading
    assert found == [b"behind"]


@pytest.mark.broker
async def test_a_topic_that_does_not_exist_is_named(connection: Connection, topics: Topics) -> None:
    topics = replace(topics, account="nobody")
    with pytest.raises(TopicMissingError, match=topics.name(RUNNING_LOG)):
        await read_through(connection, topics, RUNNING_LOG, print, **HOW)


async def test_a_broker_that_is_away_is_said(unused_tcp_port: int) -> None:
    with pytest.raises(BrokerUnreachableError):
        await read_through(Connection(f"127.0.0.1:{unused_tcp_port}"), Topics(), RUNNING_LOG, print, **HOW)


class SlowConsumer:
    """Answers each poll from a script; its one partition ends at the last scripted record."""

    def __init__(self, polls: list[list[bytes]]) -> None:
        self._polls = polls
        self.end = sum(len(names) for names in polls)
        self._position = 0
        self.stopped = 0

    def assign(self, _partitions: list[TopicPartition]) -> None:
        """There is one."""

    async def seek_to_beginning(self, _partition: TopicPartition) -> None:
        """It is there."""

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition("log", 0)]

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self.end)

    async def position(self, _partition: TopicPartition) -> int:
        return self._position

    async def getmany(self, partition: TopicPartition, *, timeout_ms: int) -> dict[TopicPartition, list]:
        if not self._polls:
            await asyncio.sleep(timeout_ms / 1000)
            return {}
        keys = self._polls.pop(0)
        records = [
            SimpleNamespace(key=key, value=b"", offset=self._position + number) for number, key in enumerate(keys)
        ]
        self._position += len(keys)
        return {partition: records} if records else {}

    async def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch):
    """Reads through what a script says; the keys that were read."""

    async def nothing(*_: object) -> None:
        return None

    async def read(consumer: SlowConsumer, **how: object) -> list[bytes]:
        async def started(*_: object, **__: object) -> SlowConsumer:
            return consumer

        monkeypatch.setattr("streams.edge.through.require_topics", nothing)
        monkeypatch.setattr("streams.edge.through.started_consumer", started)
        keys: list[bytes] = []
        connection, how = Connection("unused:1"), {**HOW, **how}
        await read_through(connection, Topics(), RUNNING_LOG, lambda record: keys.append(record.key), **how)
        return keys

    return read


@pytest.mark.parametrize("exact_ends", [True, False])
async def test_an_empty_poll_before_the_end_is_not_the_end(scripted, exact_ends: bool) -> None:
    consumer = SlowConsumer([[], [b"ada"], [], [b"bob"]])
    assert await scripted(consumer, exact_ends=exact_ends) == [b"ada", b"bob"]
    assert consumer.stopped == 2


async def test_a_broker_that_stalls_before_the_end_is_said(scripted) -> None:
    consumer = SlowConsumer([[b"ada"]])
    consumer.end = 2
    with pytest.raises(BrokerUnreachableError, match=r"unused:1: log-0 is not read to its end at offset 2"):
        await scripted(consumer, stall_s=0.05)
    assert consumer.stopped == 2


async def test_a_right_that_is_missing_is_said(scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object, **__: object) -> None:
        raise TopicAuthorizationFailedError(RUNNING_LOG)

    consumer = SlowConsumer([[b"ada"]])
    monkeypatch.setattr(consumer, "getmany", refused)
    with pytest.raises(BrokerRefusedError, match="a right on topic running-log is missing"):
        await scripted(consumer)
    assert consumer.stopped == 2
