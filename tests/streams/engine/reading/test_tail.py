"""The end of a partition read once more, on each broker."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from streams.engine.brokers import Broker
from streams.engine.reading.tail import Tail, TailError
from streams.engine.topics import admin
from streams.wire.connection import Connection
from streams.wire.topics import FILLER_KEY, RUNNING_LOG, Topics


@pytest.mark.broker
async def test_what_was_stamped_since_a_time_is_applied_in_order(
    broker: Broker, connection: Connection, topics: Topics
) -> None:
    await admin.create_missing(connection, topics, replication=1)
    topic = topics.name(RUNNING_LOG)
    async with AIOKafkaProducer(**connection.client_options()) as producer:
        for at_ms in (1000, 2000, 3000):
            await producer.send_and_wait(topic, b"{}", str(at_ms).encode(), partition=1, timestamp_ms=at_ms)
        await producer.send_and_wait(topic, b"", FILLER_KEY, partition=1, timestamp_ms=4000)
        await producer.send_and_wait(topic, b"{}", b"another", partition=2, timestamp_ms=4000)

    async def since(at_ms: int) -> list[bytes]:
        keys: list[bytes] = []
        await Tail(topic, connection, by_time=broker.append_time, exact_ends=broker.exact_ends).since(
            1, at_ms, lambda record: keys.append(record.key)
        )
        return keys

    everything = [b"1000", b"2000", b"3000"]
    assert await since(-1) == everything
    assert await since(1001) == (everything[1:] if broker.append_time else everything)
    assert await since(5000) == ([] if broker.append_time else everything)
    async with AIOKafkaProducer(**connection.client_options(), linger_ms=100) as producer:
        together = [await producer.send(topic, b"{}", b"%d" % number, partition=1) for number in range(4)]
        await asyncio.gather(*together)  # in one batch, within which a broker may say that the partition ends
    assert (await since(-1))[3:] == [b"0", b"1", b"2", b"3"]
    nothing: list[object] = []
    await Tail(topic, connection, by_time=broker.append_time, exact_ends=broker.exact_ends).since(0, 0, nothing.append)
    assert nothing == []


async def test_a_broker_that_is_away_is_said_and_not_waited_for(unused_tcp_port: int) -> None:
    tail = Tail("t", Connection(f"127.0.0.1:{unused_tcp_port}"), by_time=True, exact_ends=True)
    async with asyncio.timeout(30):
        with pytest.raises(TailError, match="t-0 cannot be read"):
            await tail.since(0, 0, print)
