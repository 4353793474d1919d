"""Frames to the topic camera-frames: in order for each camera, and each one acknowledged by the broker."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.edge.broker import delivering, require_topics, started_producer
from streams.edge.errors import PictureTooLargeError
from streams.wire.connection import Connection
from streams.wire.rights import Role
from streams.wire.topics import CAMERA_FRAMES, Topics


@dataclass(frozen=True, slots=True)
class Published:
    """Where a frame stands, and the broker's append time in milliseconds since 1970."""

    partition: int
    offset: int
    appended_at_ms: int


@dataclass(slots=True)
class PublishCounts:
    """published: acknowledged frames; published_bytes: of their pictures; refused: for their size."""

    published: int = 0
    published_bytes: int = 0
    refused: int = 0


class FramePublisher:
    """Publishes frames of any number of cameras; an asynchronous context manager.

    At most `max_in_flight` frames wait for the broker; `publish` waits while there are as many.
    """

    def __init__(self, connection: Connection, topics: Topics, *, max_in_flight: int = 16) -> None:
        self.counts = PublishCounts()
        self._connection = connection
        self._topics = topics
        self._topic = topics.name(CAMERA_FRAMES)
        self._max_picture_bytes = topics.max_picture_bytes
        self._slots = asyncio.Semaphore(max_in_flight)
        self._pending: set[asyncio.Task[Published]] = set()
        self._failure: BaseException | None = None

    async def __aenter__(self) -> "FramePublisher":
        """Raises BrokerUnreachableError, BrokerRefusedError or TopicMissingError."""
        await require_topics(self._connection, self._topics, Role.CAMERA, CAMERA_FRAMES)
        self._producer: AIOKafkaProducer = await started_producer(
            self._connection, max_picture_bytes=self._max_picture_bytes
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait as `flush` does, unless an error is on its way already."""
        try:
            if kind is None:
                await self.flush()
            for task in self._pending:
                task.cancel()
        finally:
            await self._producer.stop()

    async def publish(
        self,
        picture: bytes,
        *,
        camera_id: str,
        frame_id: str | None = None,
        captured_at_ms: int | None = None,
        gallery: str | None = None,
    ) -> asyncio.Task[Published]:
        """Hand an encoded picture to the broker; the task is done when the broker has it.

        Raises PictureTooLargeError for this picture, and BrokerUnreachableError or BrokerRefusedError once an
        earlier one could not be delivered. The task raises the same three.
        """
        if self._failure is not None:
            raise self._failure
        if len(picture) > self._max_picture_bytes:
            self.counts.refused += 1
            raise PictureTooLargeError(len(picture), self._max_picture_bytes)
        given = {"frame_id": frame_id, "captured_at_ms": captured_at_ms, "gallery": gallery}
        headers = [(name, str(value).encode()) for name, value in given.items() if value is not None]
        await self._slots.acquire()
        try:
            with self._delivering(len(picture)):
                sent = await self._producer.send(self._topic, picture, key=camera_id.encode(), headers=headers)
        except BaseException:
            self._slots.release()
            raise
        task = asyncio.create_task(self._acknowledged(sent, len(picture)))
        self._pending.add(task)
        task.add_done_callback(self._settled)
        return task

    async def flush(self) -> None:
        """Return when the broker has every frame. Raises as `publish` does if one could not be delivered."""
        await asyncio.gather(*self._pending, return_exceptions=True)
        if self._failure is not None:
            raise self._failure

    async def _acknowledged(self, sent: "asyncio.Future[Any]", picture_bytes: int) -> Published:
        with self._delivering(picture_bytes):
            place = await sent
        self.counts.published += 1
        self.counts.published_bytes += picture_bytes
        return Published(place.partition, place.offset, place.timestamp)

    @contextmanager
    def _delivering(self, picture_bytes: int) -> Iterator[None]:
        try:
            with delivering(self._connection, picture_bytes=picture_bytes, limit_bytes=self._max_picture_bytes):
                yield
        except PictureTooLargeError:
            self.counts.refused += 1
            raise

    def _settled(self, task: "asyncio.Task[Published]") -> None:
        self._slots.release()
        self._pending.discard(task)
        error = None if task.cancelled() else task.exception()
        # a picture that is too large is this picture's own; anything else will meet the next one as well
        if self._failure is None and not isinstance(error, PictureTooLargeError):
            self._failure = error
