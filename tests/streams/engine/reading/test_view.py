"""A view applies every record of its topic, survives bad ones, and knows how far it has come."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError

from streams.engine.embedded import EmbeddedBroker
from streams.engine.reading.view import OffsetsError, View
from streams.engine.topics import admin
from streams.wire.connection import Connection
from streams.wire.topics import FILLER_KEY, VISITS

pytestmark = pytest.mark.broker


@pytest.fixture
async def producer(connection, topics):
    await admin.create_missing(connection, topics, replication=1)
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
    await view.stop()


async def test_a_record_that_cannot_be_applied_does_not_hide_the_next(connection, topics, producer) -> None:
    seen: list[bytes] = []

    def apply(record) -> None:
        if record.value == b"bad":
            raise ValueError("scripted")
        if record.value == b"worse":
            raise ZeroDivisionError
        seen.append(record.value)

    refused: list[int] = []
    view = View(topics.name(VISITS), connection, apply, refused=lambda: refused.append(1))
    await view.start()
    for value, key in ((b"bad", b"k"), (b"worse", b"k"), (b"", FILLER_KEY), (b"good", b"k")):
        await producer.send_and_wait(topics.name(VISITS), value, key, partition=0)
    async with asyncio.timeout(20):
        await view.catch_up()
        while not seen:
            await asyncio.sleep(0.01)
    assert seen == [b"good"]
    assert len(refused) == 2
    await view.stop()


async def test_an_empty_topic_is_ready(connection, topics, producer) -> None:
    view = View(topics.name(VISITS), connection, lambda record: None)
    await view.start()
    async with asyncio.timeout(20):
        await view.ready()
    await view.stop()


async def test_grows_older_while_the_broker_is_away(topics) -> None:
    with EmbeddedBroker() as broker:
        connection = Connection(broker.bootstrap_servers)
        await admin.create_missing(connection, topics, replication=1)
        view = View(topics.name(VISITS), connection, lambda record: None)
        await view.start()
        async with asyncio.timeout(20):
            await view.ready()
        assert view.age_s < 20
    async with asyncio.timeout(20):
        while view.age_s < 2:
            await asyncio.sleep(0.01)
    await view.stop()


async def read_to_the_end(view: View) -> dict[int, int]:
    async with asyncio.timeout(20):
        await view.catch_up()
    return dict(view.positions)


async def test_catching_up_waits_for_a_broker_that_is_away(connection, topics, producer, monkeypatch) -> None:
    view = View(topics.name(VISITS), connection, lambda record: None)
    await view.start()
    async with asyncio.timeout(20):
        await view.ready()
    ends, refusals = view._consumer.end_offsets, [KafkaTimeoutError(), KafkaTimeoutError()]

    async def away_twice(partitions):
        if refusals:
            raise refusals.pop()
        return await ends(partitions)

    monkeypatch.setattr(view._consumer, "end_offsets", away_twice)
    async with asyncio.timeout(20):
        await view.catch_up()
    assert refusals == []
    await view.stop()


async def test_goes_on_from_given_offsets_and_reads_nothing_below_them(connection, topics, producer) -> None:
    name = topics.name(VISITS)
    for number in range(8):
        await producer.send_and_wait(name, b"old", b"k%d" % number, partition=number % topics.partitions)
    first = View(name, connection, lambda record: None)
    await first.start()
    offsets = await read_to_the_end(first)
    await first.stop()
    assert offsets == dict.fromkeys(range(topics.partitions), 2)
    await producer.send_and_wait(name, b"new", b"k", partition=3)
    seen: list[tuple[int, int, bytes]] = []
    second = View(name, connection, lambda record: seen.append((record.partition, record.offset, record.value)))
    await second.start(offsets)
    async with asyncio.timeout(20):
        await second.ready()
    assert second.positions == offsets | {3: 3}
    assert seen == [(3, 2, b"new")]
    await second.stop()


@pytest.mark.parametrize(
    ("offsets", "reason"),
    [
        ({0: 3, 1: 0, 2: 0, 3: 0}, "partition 0: expected an offset from 0 to 2, found 3"),
        ({0: 2, 1: 0, 2: -1, 3: 0}, "partition 2: expected an offset from 0 to 0, found -1"),
        ({0: 2, 1: 0, 2: 0}, "partitions: expected [0, 1, 2, 3], found [0, 1, 2]"),
    ],
)
async def test_offsets_outside_the_topic_are_refused_and_it_can_start_from_the_beginning(
    connection, topics, producer, offsets, reason
) -> None:
    for value in (b"a", b"b"):
        await producer.send_and_wait(topics.name(VISITS), value, value, partition=0)
    seen: list[bytes] = []
    view = View(topics.name(VISITS), connection, lambda record: seen.append(record.value))
    for refuse in (view.check, view.start):
        with pytest.raises(OffsetsError) as error:
            await refuse(offsets)
        assert error.value.reason == reason
    await view.start()
    async with asyncio.timeout(20):
        await view.ready()
    assert seen == [b"a", b"b"]
    await view.stop()
