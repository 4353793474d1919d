"""Commands to the gallery, and the answers to them."""

import asyncio
from types import TracebackType

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.edge.broker import reaching, require_topics, started_consumer, started_producer
from streams.edge.commands import Command, ConsentBasis
from streams.edge.errors import AnswerTimeoutError, PictureTooLargeError
from streams.wire.connection import Connection
from streams.wire.headers import Caller
from streams.wire.records import GalleryEvent, decode
from streams.wire.topics import GALLERY_COMMANDS, GALLERY_EVENTS, Topics


class GalleryClient:
    """Sends commands and waits for their answers; an asynchronous context manager.

    It listens on gallery-events, from where they end, before the first command is sent. Any number of
    requests may wait at once. `timeout_s` bounds each wait.
    """

    def __init__(self, connection: Connection, topics: Topics, *, timeout_s: float = 30.0) -> None:
        self._connection = connection
        self._topics = topics
        self._timeout_s = timeout_s
        self._waiting: dict[str, asyncio.Future[GalleryEvent]] = {}

    async def __aenter__(self) -> "GalleryClient":
        """Raises BrokerUnreachableError or TopicMissingError."""
        events = self._topics.name(GALLERY_EVENTS)
        await require_topics(self._connection, self._topics.name(GALLERY_COMMANDS), events)
        self._consumer: AIOKafkaConsumer = await started_consumer(self._connection, events, from_beginning=False)
        try:
            self._producer: AIOKafkaProducer = await started_producer(
                self._connection, max_picture_bytes=self._topics.max_picture_bytes
            )
        except BaseException:
            await self._consumer.stop()
            raise
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._producer.stop()
        await self._consumer.stop()

    async def enroll(
        self,
        person_id: str,
        picture: bytes,
        *,
        consent: str,
        consent_basis: ConsentBasis,
        gallery: str | None = None,
        caller: Caller | None = None,
    ) -> GalleryEvent:
        """Add a feature of this person. The answer may be a refusal; raises as `ask` does."""
        return await self.ask(
            Command(
                command="enroll",
                person_id=person_id,
                picture=picture,
                gallery=gallery,
                consent=consent,
                consent_basis=consent_basis,
                caller=caller or Caller(),
            )
        )

    async def forget(self, person_id: str, *, gallery: str | None = None, caller: Caller | None = None) -> GalleryEvent:
        """Remove a person. The answer may be a refusal; raises as `ask` does."""
        return await self.ask(
            Command(command="forget", person_id=person_id, gallery=gallery, caller=caller or Caller())
        )

    async def ask(self, command: Command) -> GalleryEvent:
        """Send a command and wait for its answer.

        Raises AnswerTimeoutError, PictureTooLargeError, or BrokerUnreachableError. After a timeout the command
        may still be carried out; sent once more it is a new request.
        """
        answer: asyncio.Future[GalleryEvent] = asyncio.get_running_loop().create_future()
        self._waiting[command.request_id] = answer
        try:
            await self.submit(command)
            async with asyncio.timeout(self._timeout_s):
                return await answer
        except TimeoutError as error:
            raise AnswerTimeoutError(command.request_id, self._timeout_s) from error
        finally:
            del self._waiting[command.request_id]

    async def submit(self, command: Command) -> None:
        """Send a command; return when the broker has it. Raises PictureTooLargeError or BrokerUnreachableError."""
        if len(command.picture) > self._topics.max_picture_bytes:
            raise PictureTooLargeError(len(command.picture), self._topics.max_picture_bytes)
        with reaching(self._connection):
            await self._producer.send_and_wait(
                self._topics.name(GALLERY_COMMANDS), command.picture, key=command.key(), headers=command.headers()
            )

    async def _read(self) -> None:
        try:
            async for message in self._consumer:
                self._take(message.value)
        except KafkaError as error:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(error)

    def _take(self, raw: bytes | None) -> None:
        # Answers to others come by as well, and where the consumer started is the broker's word: the
        # request id alone says which answer is ours.
        if not raw:
            return
        try:
            event = decode(raw, GalleryEvent)
        except msgspec.DecodeError:
            return
        answer = self._waiting.get(event.request_id)
        if answer is not None and not answer.done():
            answer.set_result(event)
