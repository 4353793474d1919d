"""How far was read, as it is kept on control, and what a topic that ends below it does to the start."""

import time

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.errors import KafkaTimeoutError
from aiokafka.structs import TopicPartition

from streams.engine.outlet import Output
from streams.engine.request import Request
from streams.engine.topics import admin
from streams.engine.topics.reached import EVERY_MS, Reached, RewoundError, check
from streams.wire import records
from streams.wire.topics import CAMERA_FRAMES, CONTROL, Topics

FRAMES, COMMANDS = "facestreams.main.camera-frames", "facestreams.main.gallery-commands"
EPOCHS = {"camera-frames": "0123abcd", "gallery-commands": "4567cdef"}


class Clock:
    now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reached(clock: Clock) -> Reached:
    reached = Reached(Topics(partitions=4), EPOCHS, clock)
    reached.assigned({(FRAMES, 0), (FRAMES, 3), (COMMANDS, 0)})
    return reached


def request(offset: int, partition: int = 3, topic: str = FRAMES) -> Request:
    return Request(topic, partition, offset, 0, b"lobby", b"x", (), 1)


def written(producer) -> list[tuple[bytes, int]]:
    return [(output.key, records.decode(output.value, records.Reached).next_offset) for output in producer.taken]


async def test_a_record_names_place_epoch_and_the_next_offset(reached, producer, clock) -> None:
    reached.arrived(request(41))
    reached.arrived(request(7, 0, COMMANDS))
    await reached.write(producer.send)
    assert producer.taken[0] == Output(
        topic="facestreams.main.control",
        key=b"camera-frames/3",
        value=records.encode(
            records.Reached(topic="camera-frames/3", epoch="0123abcd", created_at_ms=clock.now_ms, next_offset=42)
        ),
        partition=0,
    )
    assert written(producer) == [(b"camera-frames/3", 42), (b"gallery-commands/0", 8)]


async def test_a_reader_that_knows_epochs_alone_takes_it_for_another_topics(reached, producer) -> None:
    reached.arrived(request(41))
    await reached.write(producer.send)
    assert records.decode(producer.taken[0].value, records.Epoch).topic == "camera-frames/3"


async def test_only_what_has_moved_is_written_and_once_a_minute(reached, producer, clock) -> None:
    reached.arrived(request(1))
    await reached.write(producer.send)
    reached.arrived(request(2))
    await reached.write(producer.send)
    assert written(producer) == [(b"camera-frames/3", 2)]
    clock.now_ms += EVERY_MS
    await reached.write(producer.send)
    clock.now_ms += EVERY_MS
    await reached.write(producer.send)
    assert written(producer) == [(b"camera-frames/3", 2), (b"camera-frames/3", 3)]


async def test_a_frame_that_is_read_again_takes_nothing_back(reached, producer) -> None:
    reached.arrived(request(9))
    reached.arrived(request(5))
    assert reached.next_offset(FRAMES, 3) == 10
    assert reached.next_offset(FRAMES, 0) == 0
    await reached.write_rest(producer.send)
    assert written(producer) == [(b"camera-frames/3", 10)]


async def test_what_goes_to_another_worker_is_written_at_once_and_then_that_workers(reached, producer) -> None:
    reached.arrived(request(1))
    await reached.write(producer.send)
    reached.arrived(request(2))
    reached.assigned({(FRAMES, 0)})
    await reached.write(producer.send)
    assert written(producer) == [(b"camera-frames/3", 2), (b"camera-frames/3", 3)]
    assert reached.next_offset(FRAMES, 3) == 0


async def test_what_the_broker_does_not_take_is_written_later(reached, producer, clock) -> None:
    async def refuse(output: Output):
        raise KafkaTimeoutError

    reached.arrived(request(1))
    await reached.write(refuse)
    assert producer.taken == []
    clock.now_ms += EVERY_MS
    await reached.write(producer.send)
    assert written(producer) == [(b"camera-frames/3", 2)]


async def read_to(connection, topics: Topics, epochs: dict[str, str], next_offset: int) -> None:
    """As a worker would that read so far."""
    reached = Reached(topics, epochs, lambda: int(time.time() * 1000))
    frames = topics.name(CAMERA_FRAMES)
    reached.assigned({(frames, 0)})
    reached.arrived(Request(frames, 0, next_offset - 1, 0, None, b"x", (), 1))
    async with AIOKafkaProducer(**connection.client_options()) as producer:

        async def send(output: Output):
            return await producer.send(output.topic, output.value, output.key, output.partition)

        await reached.write_rest(send)


async def publish(connection, topics: Topics, count: int) -> None:
    async with AIOKafkaProducer(**connection.client_options()) as producer:
        for _ in range(count):
            await producer.send_and_wait(topics.name(CAMERA_FRAMES), b"x", partition=0)


@pytest.fixture
async def client(connection):
    client = AIOKafkaAdminClient(**connection.client_options())
    await client.start()
    yield client
    await client.close()


@pytest.mark.broker
@pytest.mark.parametrize("broker", ["kafka"], indirect=True)  # the embedded one is not asked where a topic ends
async def test_a_topic_that_was_made_anew_by_hand_is_refused_until_it_has_a_new_epoch(
    connection, topics, client
) -> None:
    await admin.create_missing(connection, topics, replication=1)
    epochs = await admin.epochs(connection, topics)
    await publish(connection, topics, 5)
    await read_to(connection, topics, epochs, 5)
    await check(connection, topics, epochs)

    await client.delete_records({TopicPartition(topics.name(CAMERA_FRAMES), 0): RecordsToDelete(before_offset=5)})
    await check(connection, topics, epochs)  # what expired does not count

    name = topics.name(CAMERA_FRAMES)
    await client.delete_topics([name])
    spec = topics.spec(CAMERA_FRAMES)
    await client.create_topics([NewTopic(name, spec.partitions, 1)])
    await publish(connection, topics, 4)
    with pytest.raises(RewoundError) as refusal:
        await check(connection, topics, epochs)
    assert str(refusal.value) == (
        f"{name} ends at offset 4 in partition 0, but was read to 5 under the epoch {epochs[CAMERA_FRAMES]}: it was"
        " made anew or restored from an older copy, and event ids would repeat; stop all workers, run facestreams"
        " topics new-epoch camera-frames, and start them again"
    )
    await admin.draw_epoch(connection, topics, CAMERA_FRAMES)
    await check(connection, topics, await admin.epochs(connection, topics))


@pytest.mark.broker
async def test_what_cannot_be_read_on_control_and_what_is_of_another_epoch_is_passed_over(connection, topics) -> None:
    await admin.create_missing(connection, topics, replication=1)
    epochs = await admin.epochs(connection, topics)
    await read_to(connection, topics, {**epochs, CAMERA_FRAMES: "00000000"}, 1000)
    async with AIOKafkaProducer(**connection.client_options()) as producer:
        for key in (b"camera-frames/0", b"camera-frames/99", b"camera-frames", b"\xff"):
            await producer.send_and_wait(topics.name(CONTROL), b"{}", key)
    assert await admin.epochs(connection, topics) == epochs
    await check(connection, topics, epochs)
