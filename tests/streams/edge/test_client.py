import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from streams.edge.broker import started_consumer, started_producer
from streams.edge.client import GalleryClient
from streams.edge.commands import Command
from streams.edge.errors import (
    AnswerTimeoutError,
    BrokerRefusedError,
    BrokerUnreachableError,
    PictureTooLargeError,
    TopicMissingError,
)
from streams.wire.connection import Connection
from streams.wire.headers import CommandHeaders, command_headers
from streams.wire.records import GalleryEvent, encode
from streams.wire.topics import GALLERY_COMMANDS, GALLERY_EVENTS, Topics

Answer = Callable[[CommandHeaders, bytes], list[bytes]]


def event(request_id: str, *, code: str = "enrolled") -> GalleryEvent:
    return GalleryEvent(
        event_id="0000000a-gallery-commands-0-1",
        request_id=request_id,
        account="main",
        region="eu",
        gallery="default",
        command="enroll",
        accepted=code in {"enrolled", "forgotten"},
        code=code,
        detail="",
        person=None,
        features=1,
        requested_at_ms=1,
        processed_at_ms=2,
    )


@asynccontextmanager
async def worker(connection: Connection, topics: Topics, answer: Answer) -> AsyncIterator[list[tuple[bytes, bytes]]]:
    """Answers each command with the values that `answer` gives; yields the keys and values that came."""
    taken: list[tuple[bytes, bytes]] = []
    consumer = await started_consumer(connection, topics.name(GALLERY_COMMANDS), from_beginning=True)
    producer = await started_producer(connection, max_picture_bytes=1000)

    async def serve() -> None:
        async for message in consumer:
            taken.append((message.key, message.value))
            for value in answer(command_headers(message.headers), message.value):
                await producer.send_and_wait(topics.name(GALLERY_EVENTS), value, partition=len(taken) % 2)

    serving = asyncio.create_task(serve())
    try:
        yield taken
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        await producer.stop()
        await consumer.stop()


def enrolled(headers: CommandHeaders, _picture: bytes) -> list[bytes]:
    assert headers.request_id is not None
    return [encode(event(headers.request_id))]


@pytest.mark.broker
async def test_enroll_sends_the_picture_and_returns_the_answer(connection: Connection, topics: Topics) -> None:
    seen: list[CommandHeaders] = []

    def answer(headers: CommandHeaders, picture: bytes) -> list[bytes]:
        seen.append(headers)
        return enrolled(headers, picture)

    async with worker(connection, topics, answer) as taken, GalleryClient(connection, topics) as client:
        result = await client.enroll("ada", b"jpeg", consent="form 7", consent_basis="of_age", gallery="vip")

    assert taken == [(b"ada", b"jpeg")]
    assert (result.code, result.accepted, result.request_id) == ("enrolled", True, seen[0].request_id)
    assert (seen[0].command, seen[0].person_id, seen[0].gallery) == ("enroll", "ada", "vip")
    assert (seen[0].consent, seen[0].consent_basis) == ("form 7", "of_age")


@pytest.mark.broker
async def test_forget_sends_an_empty_value(connection: Connection, topics: Topics) -> None:
    def answer(headers: CommandHeaders, _picture: bytes) -> list[bytes]:
        return [encode(event(headers.request_id or "", code="unknown_person"))]

    async with worker(connection, topics, answer) as taken, GalleryClient(connection, topics) as client:
        result = await client.forget("ada")

    assert taken == [(b"ada", b"")]
    assert (result.code, result.accepted) == ("unknown_person", False)


@pytest.mark.broker
async def test_each_request_gets_its_own_answer_among_others(connection: Connection, topics: Topics) -> None:
    def answer(headers: CommandHeaders, picture: bytes) -> list[bytes]:
        noise = [encode(event("somebody else's")), b"not json", b"", b'{"detail": "\xff"}', b"[" * 10_000]
        return noise + enrolled(headers, picture)

    commands = [Command(command="enroll", person_id=f"person {n}", picture=b"jpeg") for n in range(6)]
    async with worker(connection, topics, answer), GalleryClient(connection, topics) as client:
        results = await asyncio.gather(*(client.ask(command) for command in commands))

    assert [result.request_id for result in results] == [command.request_id for command in commands]


@pytest.mark.broker
async def test_an_answer_from_before_is_not_taken_for_this_one(connection: Connection, topics: Topics) -> None:
    async with worker(connection, topics, enrolled), GalleryClient(connection, topics) as client:
        first = await client.enroll("ada", b"jpeg", consent="form 7", consent_basis="of_age")

    async with worker(connection, topics, enrolled), GalleryClient(connection, topics) as client:
        second = await client.enroll("ada", b"jpeg", consent="form 7", consent_basis="of_age")

    assert first.request_id != second.request_id


@pytest.mark.broker
async def test_no_answer_is_a_timeout_that_names_the_request(connection: Connection, topics: Topics) -> None:
    command = Command(command="forget", person_id="ada")
    async with GalleryClient(connection, topics, timeout_s=0.2) as client:
        with pytest.raises(AnswerTimeoutError) as timeout:
            await client.ask(command)

    assert timeout.value.request_id == command.request_id
    assert str(timeout.value).endswith("within 0.2 s; is a worker running?")


@pytest.mark.broker
async def test_a_submitted_command_is_with_the_broker(connection: Connection, topics: Topics) -> None:
    async with GalleryClient(connection, topics) as client:
        await client.submit(Command(command="enroll", person_id="ada", picture=b"jpeg"))

    consumer = await started_consumer(connection, topics.name(GALLERY_COMMANDS), from_beginning=True)
    try:
        async with asyncio.timeout(10):
            assert (await consumer.getone()).value == b"jpeg"
    finally:
        await consumer.stop()


@pytest.mark.broker
async def test_a_picture_above_the_limit_is_not_sent(connection: Connection, topics: Topics) -> None:
    async with GalleryClient(connection, topics) as client:
        with pytest.raises(PictureTooLargeError):
            await client.enroll("ada", bytes(100_001), consent="form 7", consent_basis="of_age")


@pytest.mark.broker
async def test_a_missing_topic_is_said_at_once(connection: Connection) -> None:
    with pytest.raises(TopicMissingError, match=r"nowhere\.main\.gallery-commands"):
        async with GalleryClient(connection, Topics(prefix="nowhere")):
            pass


class Broker:
    """In the place of both clients: takes commands, or refuses them, and answers none until its reading fails."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        self.failure: BaseException | None = None
        self.failing = asyncio.Event()
        self.taken = asyncio.Event()

    async def send_and_wait(self, *_: object, **__: object) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.taken.set()

    def __aiter__(self) -> "Broker":
        return self

    async def __anext__(self) -> object:
        await self.failing.wait()
        assert self.failure is not None
        raise self.failure

    async def stop(self) -> None:
        pass


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()

    async def given(*_: object, **__: object) -> Broker:
        return broker

    for name in ("require_topics", "started_consumer", "started_producer"):
        monkeypatch.setattr(f"streams.edge.client.{name}", given)
    return broker


@pytest.mark.parametrize(
    ("failure", "raised", "said"),
    [
        (
            TopicAuthorizationFailedError("gallery-events"),
            BrokerRefusedError,
            "a right on topic gallery-events is missing",
        ),
        (KafkaConnectionError(), BrokerUnreachableError, "kafka:9092"),
        (asyncio.CancelledError(), BrokerUnreachableError, "kafka:9092"),
        (ZeroDivisionError("a bug"), ZeroDivisionError, "a bug"),
    ],
)
async def test_answers_that_can_no_longer_be_read_are_said_to_all_who_ask(
    scripted: Broker, failure: BaseException, raised: type[Exception], said: str
) -> None:
    async with GalleryClient(Connection("kafka:9092"), Topics(), timeout_s=60) as client:
        waiting = asyncio.create_task(client.forget("ada"))
        await scripted.taken.wait()
        scripted.failure = failure
        scripted.failing.set()
        with pytest.raises(raised, match=said):
            await waiting

        scripted.taken.clear()
        with pytest.raises(raised, match=said):
            await client.forget("bob")
        assert not scripted.taken.is_set()


@pytest.mark.parametrize(
    ("refusal", "raised"),
    [
        (MessageSizeTooLargeError(), PictureTooLargeError),
        (TopicAuthorizationFailedError("gallery-commands"), BrokerRefusedError),
    ],
)
async def test_a_command_that_the_broker_refuses_is_said(
    scripted: Broker, refusal: Exception, raised: type[Exception]
) -> None:
    scripted.refusal = refusal
    async with GalleryClient(Connection("kafka:9092"), Topics()) as client:
        with pytest.raises(raised):
            await client.enroll("ada", b"jpeg", consent="form 7", consent_basis="of_age")
