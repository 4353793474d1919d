"""Commands to the gallery, and the answers to them."""

import asyncio
from dataclasses import replace
from types import TracebackType
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.edge.broker import delivering, reaching, require_topics, started_consumer, started_producer
from streams.edge.commands import Command
from streams.edge.errors import AnswerTimeoutError, BrokerUnreachableError, PictureTooLargeError
from streams.wire.connection import Connection
from streams.wire.headers import Caller, ConsentBasis
from streams.wire.records import GalleryEvent, Receipt, decode
from streams.wire.rights import Role
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
        self._receipts: dict[str, asyncio.Future[Receipt]] = {}

    async def __aenter__(self) -> "GalleryClient":
        """Raises BrokerUnreachableError, BrokerRefusedError or TopicMissingError."""
        events = self._topics.name(GALLERY_EVENTS)
        await require_topics(self._connection, self._topics, Role.GALLERY_ADMIN, GALLERY_COMMANDS, GALLERY_EVENTS)
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
        """Have a person removed; for the receipt see `receipt`. The answer may be a refusal; raises as `ask` does.

        gallery: from this one alone; None for all that hold the person.
        """
        return await self.ask(
            Command(command="forget", person_id=person_id, gallery=gallery, caller=caller or Caller())
        )

    async def forget_gallery(self, gallery: str, *, caller: Caller | None = None) -> GalleryEvent:
        """Have everybody of a gallery removed. The answer may be a refusal; raises as `ask` does."""
        return await self.ask(Command(command="forget_gallery", gallery=gallery, caller=caller or Caller()))

    async def forget_account(self, *, caller: Caller | None = None) -> GalleryEvent:
        """Have all that is kept of the account removed, after a last bill. Raises as `ask` does."""
        caller = replace(caller or Caller(), account=self._topics.account)
        return await self.ask(Command(command="forget_account", caller=caller))

    async def receipt(self, request_id: str, *, timeout_s: float | None = None) -> Receipt:
        """Wait for the receipt of a deletion that this client has asked for. timeout_s: None for the client's own.

        Raises AnswerTimeoutError, and what ended the reading. Of one that another client has asked for, or that is
        long complete, see `streams.edge.receipts`.
        """
        self._require_reading()
        timeout_s = self._timeout_s if timeout_s is None else timeout_s
        receipt = self._receipts.setdefault(request_id, asyncio.get_running_loop().create_future())
        either: tuple[asyncio.Future[Any], ...] = (receipt, self._reading)
        await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if receipt.done():
            return receipt.result()
        self._require_reading()
        raise AnswerTimeoutError(request_id, timeout_s)

    async def ask(self, command: Command) -> GalleryEvent:
        """Send a command and wait for its answer.

        Raises AnswerTimeoutError, PictureTooLargeError, BrokerUnreachableError or BrokerRefusedError, the last two
        also where answers can no longer be read. After a timeout the command may still be carried out; sent once
        more it is a new request.
        """
        self._require_reading()
        answer: asyncio.Future[GalleryEvent] = asyncio.get_running_loop().create_future()
        either: tuple[asyncio.Future[Any], ...] = (answer, self._reading)
        self._waiting[command.request_id] = answer
        if command.command.startswith("forget"):
            self._receipts[command.request_id] = asyncio.get_running_loop().create_future()
        try:
            await self.submit(command)
            await asyncio.wait(either, timeout=self._timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._waiting[command.request_id]
        if answer.done():
            return answer.result()
        self._require_reading()
        raise AnswerTimeoutError(command.request_id, self._timeout_s)

    async def submit(self, command: Command) -> None:
        """Send a command; return when the broker has it.

        Raises PictureTooLargeError, BrokerUnreachableError or BrokerRefusedError.
        """
        picture_bytes, limit_bytes = len(command.picture), self._topics.max_picture_bytes
        if picture_bytes > limit_bytes:
            raise PictureTooLargeError(picture_bytes, limit_bytes)
        with delivering(self._connection, picture_bytes=picture_bytes, limit_bytes=limit_bytes):
            await self._producer.send_and_wait(
                self._topics.name(GALLERY_COMMANDS), command.picture, key=command.key(), headers=command.headers()
            )

    def _require_reading(self) -> None:
        """Raise what ended the reading of answers, if it has ended."""
        if self._reading.done():
            # the Kafka client may also cancel whoever reads, where its broker is away
            error = None if self._reading.cancelled() else self._reading.exception()
            raise error or BrokerUnreachableError(self._connection.bootstrap_servers)

    async def _read(self) -> None:
        with reaching(self._connection):
            async for message in self._consumer:
                self._take(message.value)

    def _take(self, raw: bytes | None) -> None:
        # Answers to others come by as well, and where the consumer started is the broker's word: the
        # request id alone says which answer is ours.
        if not raw:
            return
        try:
            event = decode(raw, GalleryEvent)
        except msgspec.DecodeError:
            return
        if event.receipt is not None:
            self._take_receipt(event.request_id, event.receipt)
            return
        answer = self._waiting.get(event.request_id)
        if answer is not None and not answer.done():
            answer.set_result(event)

    def _take_receipt(self, request_id: str, receipt: Receipt) -> None:
        """Of requests of ours alone: it may come before it is asked for."""
        waiting = self._receipts.get(request_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(receipt)
