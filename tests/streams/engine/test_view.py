"""A view applies every record of its topic, survives bad ones, and knows how far it has come."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from streams.engine import admin
from streams.engine.brokers import EMBEDDED
from streams.engine.view import View
from streams.wire.topics import FILLER_KEY, VISITS

pytestmark = pytest.mark.broker


@pytest.fixture
async def producer(connection, topics):
    await admin.create_missing(connection, topics, replication=1, broker=EMBEDDED)
    producer = AIOKafkaProducer(**connection.client_options())
    await producer.start()
    yield producer
    await producer.stop()


async def test_is_ready_once_all_that_was_there_is_applied_and_goes_on(connection, topics, producer) -> None:
    name = topics.name(VISITS)
    for number in range(10):
        await producer.send_and_wait(name, b"%d" % number, b"k%d" % number)
    seen: list[bytes] = []
    view = View(name, connection, lambda record: seen.append(record.value))
    await view.start()
    async with asyncio.timeout(20):
        await view.ready()
        assert sorted(seen) == [b"%d" % number for number in range(10)]
        written = await producer.send_and_wait(name, b"late", b"k")
        await view.reached(written.partition, written.offset + 1)
    assert seen[-1] == b"late"
    assert view.age_s < 20
    await view.stop()


async def test_a_record_that_cannot_be_applied_does_not_hide_the_next(connection, topics, producer) -> None:
    seen: list[bytes] = []

    def apply(record) -> None:
        if record.value == b"bad":
            raise ValueError("scripted")
        seen.append(record.value)

    view = View(topics.name(VISITS), connection, apply)
    await view.start()
    for value, key in ((b"bad", b"k"), (b"", FILLER_KEY), (b"good", b"k")):
        await producer.send_and_wait(topics.name(VISITS), value, key, partition=0)
    async with asyncio.timeout(20):
        await view.catch_up()
        while not seen:
            await asyncio.sleep(0.01)
    assert seen == [b"good"]
    await view.stop()


async def test_an_empty_topic_is_ready(connection, topics, producer) -> None:
    view = View(topics.name(VISITS), connection, lambda record: None)
    await view.start()
    async with asyncio.timeout(20):
        await view.ready()
    await view.stop()
