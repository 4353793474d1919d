"""One worker, what feeds it, what reads its answers and what looks at it, started and stopped together."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from streams.demo.worker_process import WorkerProcess
from streams.edge.broker import started_producer
from streams.wire.topics import CAMERA_FRAMES
from tests.kafka.load.answers import Answer, Answers
from tests.kafka.load.feed import Feed, Place, evenly
from tests.kafka.load.ground import Ground
from tests.kafka.load.vitals import Vitals

CAMERAS = tuple(f"camera-{number}" for number in range(8))
WARM_UP_FPS, WARM_UP_S = 20.0, 2.0
PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Course:
    """Frames are sent by `feed`; `vitals` and `answers` tell what comes of them."""

    worker: WorkerProcess
    feed: Feed
    answers: Answers
    vitals: Vitals

    def since(self, at_s: float) -> list[Answer]:
        """What was recognised from then on of the frames sent."""
        sent = self.feed.sent
        return [answer for answer in self.answers.recognised if answer.at_s >= at_s and answer.place in sent]

    def codes(self) -> Counter[str]:
        """How many of the frames sent have which code; "none" are those that the running log does not know."""
        return Counter(self.answers.codes.get(place, "none") for place in self.feed.sent)

    def twice(self) -> list[Place]:
        """Frames sent that have more than one entry or more than one recognition."""
        recognised = Counter(answer.place for answer in self.answers.recognised)
        return [place for place in self.feed.sent if self.answers.entries[place] > 1 or recognised[place] > 1]

    def wrong(self) -> list[Place]:
        """Frames sent of which running log and recognitions do not say the same."""
        recognised = {answer.place for answer in self.answers.recognised}
        return [place for place in self.feed.sent if (self.answers.codes.get(place) == "ok") != (place in recognised)]

    async def capacity_fps(self, flood_fps: float, seconds: float) -> float:
        """Frames that the worker recognises in a second while more come than it can take; they are waited for."""
        begun = time.monotonic()
        await self.feed.run(evenly(CAMERAS, flood_fps), seconds)
        ended = time.monotonic()
        middle = (begun + ended) / 2  # it has got going by then
        recognised = len([answer for answer in self.since(middle) if answer.at_s < ended])
        await self.answers.all_of(self.feed.sent, PATIENCE_S)
        return recognised / (ended - middle)


@asynccontextmanager
async def course(ground: Ground, films: Sequence[Sequence[bytes]], **settings: str) -> AsyncIterator[Course]:
    """A worker with these settings (names as in the README) that has recognised its first frames."""
    async with AsyncExitStack() as stack:
        worker = await stack.enter_async_context(ground.worker(**settings))
        producer = await started_producer(ground.connection, max_picture_bytes=ground.topics.max_picture_bytes)
        stack.push_async_callback(producer.stop)
        answers = await Answers.started(ground.connection, ground.topics)
        stack.push_async_callback(answers.stop)
        vitals = await Vitals.started(worker, ground.connection, ground.topics)
        stack.push_async_callback(vitals.stop)
        feed = Feed(producer, ground.topics.name(CAMERA_FRAMES), films)
        await feed.run(evenly(CAMERAS, WARM_UP_FPS), WARM_UP_S)
        await answers.all_of(feed.sent, PATIENCE_S)
        yield Course(worker, feed, answers, vitals)
