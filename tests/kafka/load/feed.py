"""Cameras that publish at steady rates, whether or not anybody keeps up."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer

TICK_S = 0.02

Place = tuple[int, int]
"""Partition and offset of a frame."""


@dataclass(slots=True)
class Feed:
    """Cameras share `films`, but for those that have one of their own.

    sent: by place, the camera of each frame that the broker has acknowledged. refused: frames that it has not.
    """

    producer: AIOKafkaProducer
    topic: str
    films: Sequence[Sequence[bytes]]
    own: dict[str, Sequence[bytes]] = field(default_factory=dict)
    sent: dict[Place, str] = field(default_factory=dict)
    refused: int = 0
    _numbers: dict[str, int] = field(default_factory=dict)

    async def run(self, frames_per_s: Mapping[str, float], seconds: float) -> None:
        """Publish each camera's film at its rate for so long, and wait until the broker has it all."""
        begun = time.monotonic()
        done = dict.fromkeys(frames_per_s, 0)
        while (passed_s := time.monotonic() - begun) < seconds:
            for camera, rate in frames_per_s.items():
                while done[camera] < int(passed_s * rate):
                    await self._send(camera)
                    done[camera] += 1
            await asyncio.sleep(TICK_S)
        await self.producer.flush()

    async def _send(self, camera: str) -> None:
        number = self._numbers[camera] = self._numbers.get(camera, -1) + 1
        film = self.own.get(camera) or self.films[sum(camera.encode()) % len(self.films)]
        sent = await self.producer.send(self.topic, film[number % len(film)], key=camera.encode())
        sent.add_done_callback(lambda future: self._settled(camera, future))

    def _settled(self, camera: str, future: "asyncio.Future") -> None:
        if future.exception() is not None:
            self.refused += 1
        else:
            self.sent[future.result().partition, future.result().offset] = camera


def evenly(cameras: Sequence[str], frames_per_s: float) -> dict[str, float]:
    """The same rate for each camera, so much in all."""
    return {camera: frames_per_s / len(cameras) for camera in cameras}
