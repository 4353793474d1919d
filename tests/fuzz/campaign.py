"""Bad input against a worker process: each input is followed by a good frame, and each must be accounted for.

What must hold, kind by kind: the process lives; every request has exactly one entry in the running log, with a code
that is documented and no failure of ours; every failure is in the error log, repeats summed; every good frame is
recognised; a bad record on one of our own topics is counted by whoever reads it, who goes on.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final, Self

from streams.demo.worker_process import WorkerProcess
from streams.edge.client import GalleryClient
from streams.wire.codes import Code
from streams.wire.connection import Connection
from streams.wire.topics import CAMERA_FRAMES, ERROR_LOG, RECOGNITIONS, RUNNING_LOG, Topics
from tests.fuzz.answers import BESIDE, Answers, Place, summed
from tests.fuzz.broker import RawName, raw_producer, read_all, reading
from tests.fuzz.readers import VIEWED, bad_records, passed_over
from tests.fuzz.requests import Input
from tests.fuzz.samples import PERSON_ID, good_frame, portrait

STALL_S: Final = 30.0
"""Without any answer for so long, what is waited for has stalled."""

WINDOW: Final = 64
"""Inputs that are made and sent before the broker's answers are waited for: some are megabytes."""

FAULTS: Final = frozenset({Code.INTERNAL_ERROR, Code.TIMED_OUT})
"""Nothing that comes in may bring these about."""


@dataclass(slots=True)
class Row:
    """What became of one kind's inputs.

    crashes: inputs that ended the worker, or on which its code raised. stalls: requests, good frames and readers that
    were not done in time. unaccounted: inputs with another number of entries in the running log than one, failures
    and bad records that are not counted, and good frames in which nobody was recognised.
    """

    kind: str
    inputs: int = 0
    crashes: int = 0
    stalls: int = 0
    unaccounted: int = 0
    seconds: float = 0.0
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        """Nothing went wrong."""
        return not (self.crashes or self.stalls or self.unaccounted)


class Campaign:
    """One worker process, and all that its topics say of it. An asynchronous context manager.

    peak_rss_mib: the most memory that the process held; 0 where the system does not tell.
    """

    def __init__(self, connection: Connection, topics: Topics, process: WorkerProcess) -> None:
        self.rows: list[Row] = []
        self.peak_rss_mib = 0
        self._connection = connection
        self._topics = topics
        self._process = process
        self._answers = Answers()

    async def __aenter__(self) -> Self:
        """Wait for the worker, and enroll PERSON_ID. Raises WorkerProcessError if it does not start."""
        await self._process.ready()
        async with AsyncExitStack() as stack:
            enter, where = stack.enter_async_context, (self._connection, self._topics)
            self._producer = await enter(raw_producer(self._connection))
            await enter(reading(*where, RUNNING_LOG, self._answers.take_entry))
            await enter(reading(*where, RECOGNITIONS, self._answers.take_recognition))
            self._client = await enter(GalleryClient(*where, timeout_s=STALL_S))
            await self._client.enroll(PERSON_ID, portrait(), consent="form-7", consent_basis="of_age")
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def requests(self, kind: str, inputs: Iterable[Input]) -> Row:
        """Send these, each with a good frame behind it in the same lane or partition; wait until all are answered."""
        row, begun, waiting = Row(kind), time.monotonic(), iter(inputs)
        sent: list[Place] = []
        good: list[Place] = []
        while window := list(islice(waiting, WINDOW)):
            for places, futures in zip((sent, good), await self._send(window, len(sent)), strict=True):
                places += [self._place(each) for each in await asyncio.gather(*futures)]
        row.inputs = len(sent)
        row.stalls = len(await self._unanswered(sent, good))
        codes = self._answers.codes
        row.codes.update(code.value for place in sent for code in codes[place])
        row.crashes = sum(row.codes[code.value] for code in FAULTS)
        row.unaccounted = sum(len(codes[place]) != 1 for place in sent)
        row.unaccounted += sum(not self._answers.recognised(place) for place in good)
        return self._done(row, begun)

    async def stored(self, short: str, number: int, random: Random) -> Row:
        """Put bad records on a topic of ours, then see that it is read on and that the gallery takes commands."""
        row, begun = Row(f"on {short}", number), time.monotonic()
        try:
            for bad in await bad_records(self._connection, self._topics, short, number, random):
                await self._producer.send_and_wait(
                    self._topics.name(short), bad.value, bad.key, bad.partition, headers=list(bad.headers)
                )
            await self._client.forget(PERSON_ID)
            await self._client.enroll(PERSON_ID, portrait(), consent="form-7", consent_basis="of_age")
            if short not in VIEWED:
                row.unaccounted = number - await passed_over(self._connection, self._topics, short, number, STALL_S)
        except Exception as error:  # noqa: BLE001  whatever it is, the row says that it did not go on, and for what
            row.stalls = 1
            row.codes[type(error).__name__] += 1
        return self._done(row, begun)

    async def account(self) -> int:
        """Stop the worker and hold its error log against the rest; the worker's exit code."""
        self._measure()
        code = await asyncio.to_thread(self._process.stop)
        sums = summed(await read_all(self._connection, self._topics, ERROR_LOG))
        for cause, failures in self._answers.failures().items():
            # which input a sum lacks cannot be told: the kind that met this code most often takes it
            row = max(self.rows, key=lambda row: row.codes[cause[1]])
            row.unaccounted += abs(failures - sums[cause])
        for row in self.rows:
            if (short := row.kind.removeprefix("on ")) in VIEWED:
                row.codes.update({code: repeats for (topic, code), repeats in sums.items() if topic == short})
                row.unaccounted += abs(row.inputs - row.codes.total())
        return code

    def _done(self, row: Row, begun: float) -> Row:
        row.seconds = time.monotonic() - begun
        row.crashes += self._process.process.poll() is not None
        self._measure()
        self.rows.append(row)
        return row

    def _measure(self) -> None:
        self.peak_rss_mib = max(self.peak_rss_mib, _peak_rss_mib(self._process.process.pid))

    async def _send(self, window: Sequence[Input], first: int) -> tuple[list[Any], list[Any]]:
        sent, good = [], []
        frames = self._topics.name(CAMERA_FRAMES)
        for number, each in enumerate(window, first):
            partition = number % self._topics.partitions
            headers = [(RawName(name), value) for name, value in each.headers]
            topic = self._topics.name(each.topic)
            sent.append(await self._producer.send(topic, each.value, each.key, partition, headers=headers))
            same_lane = each.topic == CAMERA_FRAMES and (each.key or b"").startswith(b"camera-")
            key = each.key if same_lane else BESIDE.encode()
            good.append(await self._producer.send(frames, good_frame(), key, partition))
        return sent, good

    async def _unanswered(self, sent: Sequence[Place], good: Sequence[Place]) -> set[Place]:
        """What was not answered when nothing came for STALL_S any more, or the worker ended."""
        waiting, quiet_since = {*sent, *good}, time.monotonic()
        while waiting and time.monotonic() - quiet_since < STALL_S and self._process.process.poll() is None:
            await asyncio.sleep(0.05)
            if (left := self._answers.missing((*sent, *good), good)) != waiting:
                waiting, quiet_since = left, time.monotonic()
        return waiting

    def _place(self, written: Any) -> Place:
        return written.topic.removeprefix(self._topics.name("")), written.partition, written.offset


def _peak_rss_mib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # ended, or another system
        return 0
    return next((int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM")), 0)
