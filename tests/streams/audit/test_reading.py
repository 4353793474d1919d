import cv2
import numpy as np
import pytest
from aiokafka import AIOKafkaProducer

from streams.audit.reading import ends, read, reader
from streams.engine.brokers import Broker
from streams.engine.topics.admin import create_missing
from streams.wire import records
from streams.wire.connection import Connection
from streams.wire.topics import FILLER_KEY, RECOGNITIONS, RUNNING_LOG, Topics
from tests.streams.audit.made import entry, shown

JPEG = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (entry(), "record"),
        (None, "tombstone"),
        (b"", "unreadable"),
        (b"{}", "unreadable"),
        (b"\xff", "unreadable"),
        (JPEG, "picture"),
    ],
)
def test_the_form_of_a_record(value: object, form: str) -> None:
    assert shown(RUNNING_LOG, value).form == form


def test_its_repr_shows_its_place_alone() -> None:
    assert repr(shown(RUNNING_LOG, entry(), offset=4)).startswith("Seen(running-log-0@4, record, ")


@pytest.mark.broker
async def test_all_is_read_that_stood_there_and_fillers_are_passed_over(connection: Connection, topics: Topics) -> None:
    await create_missing(connection, topics, replication=1)
    topic = topics.name(RUNNING_LOG)
    async with AIOKafkaProducer(**connection.client_options()) as producer:
        for offset in range(3):
            await producer.send_and_wait(topic, records.encode(entry(offset)), key=b"%d" % offset, partition=offset % 2)
        await producer.send_and_wait(topic, b"", key=FILLER_KEY, partition=1)
        async with (
            reader(connection, committed_alone=False) as asker,
            reader(connection, committed_alone=True) as consumer,
        ):
            until = await ends(asker, topics.spec(RUNNING_LOG))
            await producer.send_and_wait(topic, records.encode(entry(9)), key=b"9", partition=0)
            found = [seen async for seen in read(consumer, RUNNING_LOG, until)]
            again = [seen async for seen in read(consumer, RUNNING_LOG, until)]
    assert [seen.record for seen in found] == [entry(0), entry(2), entry(1)]
    assert [seen.place for seen in again] == [seen.place for seen in found]


@pytest.mark.broker
@pytest.mark.parametrize("broker", ["kafka"], indirect=True)
async def test_what_was_never_committed_is_not_read(broker: Broker, connection: Connection, topics: Topics) -> None:
    await create_missing(connection, topics, replication=1)
    topic = topics.name(RECOGNITIONS)
    async with AIOKafkaProducer(**connection.client_options(), transactional_id=topics.prefix) as producer:
        for value, kept in ((b"a", True), (b"b", False), (b"c", True)):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, value, partition=0)
            await (producer.commit_transaction() if kept else producer.abort_transaction())
    async with (
        reader(connection, committed_alone=False) as asker,
        reader(connection, committed_alone=True) as consumer,
    ):
        until = await ends(asker, topics.spec(RECOGNITIONS))
        assert [seen.value async for seen in read(consumer, RECOGNITIONS, until)] == [b"a", b"c"]
