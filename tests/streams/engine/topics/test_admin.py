"""Topics are created once, and keep their epochs."""

import asyncio
from functools import partial

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from streams.access.partition import read_partition
from streams.engine.topics import admin
from streams.wire.connection import Connection
from streams.wire.topics import Topics


@pytest.mark.broker
async def test_creates_what_is_missing_and_nothing_twice(connection, topics) -> None:
    created = await admin.create_missing(connection, topics, replication=1)
    assert created == [spec.name for spec in topics]
    assert await admin.create_missing(connection, topics, replication=1) == []


@pytest.mark.broker
async def test_epochs_are_drawn_once_and_differ(connection, topics) -> None:
    await admin.create_missing(connection, topics, replication=1)
    epochs = await admin.epochs(connection, topics)
    assert set(epochs) == {"camera-frames", "gallery-commands", "face-features"}
    assert len(set(epochs.values())) == 3
    await admin.create_missing(connection, topics, replication=1)
    assert await admin.epochs(connection, topics) == epochs


@pytest.mark.broker
async def test_a_topic_made_anew_has_a_new_epoch(connection, topics) -> None:
    await admin.create_missing(connection, topics, replication=1)
    before = await admin.epochs(connection, topics)
    client = AIOKafkaAdminClient(**connection.client_options())
    await client.start()
    await client.delete_topics([topics.name("camera-frames")])
    await client.close()
    assert await admin.create_missing(connection, topics, replication=1) == [topics.name("camera-frames")]
    after = await admin.epochs(connection, topics)
    assert after["camera-frames"] != before["camera-frames"]
    assert after["gallery-commands"] == before["gallery-commands"]


class SilentConsumer:
    """Says that control holds a record, and never hands it out."""

    def __init__(self, **_: object) -> None: ...

    def assign(self, _partitions) -> None: ...

    async def start(self) -> None: ...

    stop = start

    async def end_offsets(self, partitions):
        return dict.fromkeys(partitions, 1)

    async def seek_to_beginning(self, _partition) -> None: ...

    async def position(self, _partition) -> int:
        return 0

    async def getmany(self, _partition, *, timeout_ms: int):
        await asyncio.sleep(0)
        return {}


async def test_control_is_not_waited_for_for_ever(monkeypatch, unused_tcp_port: int) -> None:
    monkeypatch.setattr(admin, "AIOKafkaConsumer", SilentConsumer)
    monkeypatch.setattr(admin, "read_partition", partial(read_partition, stall_s=0.02))
    with pytest.raises(
        admin.AdminError, match=r"^the broker at .* does not answer: facestreams\.main\.control-0 is not"
    ):
        await admin.control_records(Connection(f"127.0.0.1:{unused_tcp_port}"), Topics())


@pytest.mark.broker
async def test_no_broker_is_one_line_that_names_the_address(topics) -> None:
    with pytest.raises(admin.AdminError, match=r"^no broker answers at 127\.0\.0\.1:1:"):
        await admin.create_missing(Connection("127.0.0.1:1"), topics, replication=1)


async def test_a_broker_that_refuses_is_one_line_that_says_why_also_where_no_right_was_asked_for_before() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4)
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        connection = Connection(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(
            admin.DeniedError, match=r"^the Kafka broker at 127\.0\.0\.1:.* refused: it closed the conn"
        ):
            await admin.draw_epoch(connection, Topics(), "camera-frames")
