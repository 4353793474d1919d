"""Eight cameras that publish at a steady rate, and which of their frames the broker has acknowledged."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.demo.film import film
from streams.wire.connection import Connection
from streams.wire.topics import CAMERA_FRAMES, Topics
from tests.kafka.faults.count import Place

CAMERAS: Final = tuple(f"camera-{number}" for number in range(8))
REELS: Final = ("desk", "gate")
"""Whose first seconds show the same persons all the time: a visit that ends or begins in them is a fault."""
REEL_FRAMES: Final = 45


class Cameras:
    """sent: where the frames stand that the broker has acknowledged.

    patience_s: how long the broker may be away before a frame counts as not sent.
    """

    def __init__(self, connection: Connection, topics: Topics, *, frames_per_s: float, patience_s: float) -> None:
        self.sent: list[Place] = []
        self._topic = topics.name(CAMERA_FRAMES)
        self._frames_per_s = frames_per_s
        self._patience_s = patience_s
        self._reels = [_there_and_back([frame.jpeg for frame in film(camera, REEL_FRAMES)]) for camera in REELS]
        self._producer = AIOKafkaProducer(
            **connection.client_options(),
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=int(patience_s * 1000),
            max_request_size=topics.max_record_bytes,
        )

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def stop(self) -> None:
        """Let go of the broker."""
        await self._producer.stop()

    @asynccontextmanager
    async def filming(self) -> AsyncIterator[None]:
        """All publish while this is open; at its end the broker has answered for all."""
        done = asyncio.Event()
        filming = asyncio.create_task(self._film(done))
        try:
            yield
        finally:
            done.set()
            async with asyncio.timeout(self._patience_s):
                await filming

    async def send(self, camera: str, picture: bytes) -> Place | None:
        """Publish one frame; where it stands, or None if the broker has not acknowledged it."""
        try:
            sent = await self._producer.send_and_wait(self._topic, picture, key=camera.encode())
        except KafkaError:
            return None
        self.sent.append((sent.partition, sent.offset))
        return sent.partition, sent.offset

    async def _film(self, done: asyncio.Event) -> None:
        clock = asyncio.get_running_loop()
        begun = clock.time()
        async with asyncio.TaskGroup() as sends:
            for number in itertools.count():
                await asyncio.sleep(max(0.0, begun + number / self._frames_per_s - clock.time()))
                if done.is_set():
                    return
                for which, camera in enumerate(CAMERAS):
                    reel = self._reels[which % len(self._reels)]
                    sends.create_task(self.send(camera, reel[number % len(reel)]))


def _there_and_back(reel: Sequence[bytes]) -> list[bytes]:
    """A film that can be shown without end and without a cut."""
    return [*reel, *reel[-2:0:-1]]
