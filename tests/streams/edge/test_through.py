"""A topic read once to its end, on each broker."""

from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer

from streams.edge.errors import BrokerUnreachableError, TopicMissingError
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
async def test_a_topic_that_does_not_exist_is_named(connection: Connection, topics: Topics) -> None:
    topics = replace(topics, account="nobody")
    with pytest.raises(TopicMissingError, match=topics.name(RUNNING_LOG)):
        await read_through(connection, topics, RUNNING_LOG, print, **HOW)


async def test_a_broker_that_is_away_is_said(unused_tcp_port: int) -> None:
    with pytest.raises(BrokerUnreachableError):
        await read_through(Connection(f"127.0.0.1:{unused_tcp_port}"), Topics(), RUNNING_LOG, print, **HOW)
