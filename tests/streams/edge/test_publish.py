import asyncio
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import MessageSizeTooLargeError, TopicAuthorizationFailedError

from streams.edge.broker import started_consumer
from streams.edge.errors import BrokerRefusedError, BrokerUnreachableError, PictureTooLargeError, TopicMissingError
from streams.edge.publish import FramePublisher
from streams.engine.embedded import EmbeddedBroker
from streams.engine.topics.admin import create_missing
from streams.wire.connection import Connection
from streams.wire.headers import Caller, FrameHeaders, frame_headers
from streams.wire.topics import CAMERA_FRAMES, Topics


async def read(connection: Connection, topics: Topics, count: int) -> list[object]:
    consumer: AIOKafkaConsumer = await started_consumer(connection, topics.name(CAMERA_FRAMES), from_beginning=True)
    try:
        async with asyncio.timeout(10):
            return [await consumer.getone() for _ in range(count)]
    finally:
        await consumer.stop()


@pytest.mark.broker
async def test_a_frame_arrives_as_it_was_given(connection: Connection, topics: Topics) -> None:
    async with FramePublisher(connection, topics) as publisher:
        task = await publisher.publish(
            b"picture", camera_id="löbby", frame_id="f1", captured_at_ms=1700000000000, gallery="vip"
        )
        place = await task
        plain = await (await publisher.publish(b"plain", camera_id="löbby"))

    messages = await read(connection, topics, 2)

    assert [message.value for message in messages] == [b"picture", b"plain"]
    assert [message.key for message in messages] == ["löbby".encode()] * 2
    assert frame_headers(messages[0].headers) == FrameHeaders(
        caller=Caller(), frame_id="f1", captured_at_ms=1700000000000, gallery="vip"
    )
    assert not messages[1].headers
    assert (place.partition, place.offset) == (messages[0].partition, 0)
    assert (plain.partition, plain.offset) == (messages[0].partition, 1)
    assert place.appended_at_ms == messages[0].timestamp
    assert (publisher.counts.published, publisher.counts.published_bytes) == (2, 12)


@pytest.mark.broker
async def test_order_is_kept_for_each_camera_with_many_in_flight(connection: Connection, topics: Topics) -> None:
    cameras = ("gate", "lobby", "yard")
    async with FramePublisher(connection, topics, max_in_flight=8) as publisher:
        for number in range(40):
            for camera_id in cameras:
                await publisher.publish(str(number).encode(), camera_id=camera_id)
        await publisher.flush()
        assert publisher.counts.published == 120

    messages = await read(connection, topics, 120)

    for camera_id in cameras:
        sent = [int(message.value) for message in messages if message.key == camera_id.encode()]
        assert sent == list(range(40))


@pytest.mark.broker
async def test_a_picture_up_to_the_limit_is_taken_and_one_above_is_refused(
    connection: Connection, topics: Topics
) -> None:
    async with FramePublisher(connection, topics) as publisher:
        await (await publisher.publish(bytes(100_000), camera_id="lobby"))
        with pytest.raises(PictureTooLargeError) as refused:
            await publisher.publish(bytes(100_001), camera_id="lobby")
        await (await publisher.publish(b"next", camera_id="lobby"))

    assert str(refused.value) == "picture of 100001 bytes, the limit is 100000 (FACESTREAMS_MAX_PICTURE_BYTES)"
    assert (publisher.counts.published, publisher.counts.refused) == (2, 1)


@pytest.mark.broker
async def test_four_mebibytes_pass(connection: Connection) -> None:
    topics = Topics(prefix="large", partitions=1)
    await create_missing(connection, topics, replication=1)
    async with FramePublisher(connection, topics) as publisher:
        place = await (await publisher.publish(bytes(4 * 1024 * 1024), camera_id="lobby"))

    assert place.offset == 0


@pytest.mark.broker
async def test_a_missing_topic_is_said_at_once(connection: Connection) -> None:
    with pytest.raises(TopicMissingError, match=r"nowhere\.main\.camera-frames"):
        async with FramePublisher(connection, Topics(prefix="nowhere")):
            pass


@pytest.mark.broker
async def test_a_broker_that_goes_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.edge.broker.REQUEST_TIMEOUT_S", 1.0)
    topics = Topics(partitions=1)
    with EmbeddedBroker() as broker:
        connection = Connection(broker.bootstrap_servers)
        await create_missing(connection, topics, replication=1)
        publisher = await FramePublisher(connection, topics).__aenter__()
        await (await publisher.publish(b"before", camera_id="lobby"))
        broker.stop()
        task = await publisher.publish(b"after", camera_id="lobby")

        with pytest.raises(BrokerUnreachableError):
            await publisher.flush()
        with pytest.raises(BrokerUnreachableError):
            await publisher.publish(b"later", camera_id="lobby")
        with pytest.raises(BrokerUnreachableError):
            await publisher.__aexit__(None, None, None)

    assert isinstance(task.exception(), BrokerUnreachableError)
    assert publisher.counts.published == 1


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], FramePublisher]:
    """Makes a publisher whose broker answers every frame with this error."""

    class Producer:
        def __init__(self, error: Exception) -> None:
            self._error = error

        async def send(self, *_: object, **__: object) -> "asyncio.Future[object]":
            sent = asyncio.get_running_loop().create_future()
            sent.set_exception(self._error)
            return sent

        async def stop(self) -> None:
            pass

    async def nothing(*_: object) -> None:
        pass

    def publisher(error: Exception) -> FramePublisher:
        async def started(*_: object, **__: object) -> Producer:
            return Producer(error)

        monkeypatch.setattr("streams.edge.publish.require_topics", nothing)
        monkeypatch.setattr("streams.edge.publish.started_producer", started)
        return FramePublisher(Connection("kafka:9092"), Topics())

    return publisher


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (TopicAuthorizationFailedError("camera-frames"), BrokerRefusedError),
        (ZeroDivisionError("a bug"), ZeroDivisionError),
    ],
)
async def test_what_was_not_delivered_is_raised_by_all_that_follows(
    answered, answer: Exception, raised: type[Exception]
) -> None:
    publisher = await answered(answer).__aenter__()
    task = await publisher.publish(b"picture", camera_id="lobby")

    with pytest.raises(raised, match=str(answer.args[0])):
        await publisher.flush()
    with pytest.raises(raised):
        await publisher.publish(b"later", camera_id="lobby")
    with pytest.raises(raised):
        await publisher.__aexit__(None, None, None)
    assert isinstance(task.exception(), raised)
    assert publisher.counts.published == 0


async def test_a_refusal_names_the_broker_and_its_answer(answered) -> None:
    with pytest.raises(BrokerRefusedError) as refused:
        async with answered(TopicAuthorizationFailedError("camera-frames")) as publisher:
            await publisher.publish(b"picture", camera_id="lobby")

    assert str(refused.value) == (
        "the Kafka broker at kafka:9092 refused: a right on topic camera-frames is missing: "
        "`facestreams rights` prints what each role needs"
    )


async def test_a_topic_that_takes_less_than_the_settings_say_refuses_this_picture_alone(answered) -> None:
    async with answered(MessageSizeTooLargeError()) as publisher:
        for _ in range(2):
            with pytest.raises(PictureTooLargeError):
                await (await publisher.publish(b"picture", camera_id="lobby"))
    assert (publisher.counts.published, publisher.counts.refused) == (0, 2)
