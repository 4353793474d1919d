"""Closes what `closing` says: the open segments of a compacted topic's idle partitions, every ten minutes."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiokafka import TopicPartition

from streams.access.partition import read_partition
from streams.engine.outlet import Output, Send
from streams.engine.purge.closing import Closing
from streams.engine.reading.evidence import Evidence, EvidenceError, Look
from streams.engine.topics.in_effect import closable_after_ms
from streams.engine.topics.rounds import CLOCKS_MS, CLOSE_EVERY_MS
from streams.wire.topics import FILLER_KEY, is_filler

_log = structlog.get_logger(__name__)

AGAIN_S: Final = 60.0
"""After a round in which not all was looked at."""


@dataclass(slots=True, kw_only=True)
class Closer:
    """One worker's.

    topic: full name. send: takes a filler. may_send: whether it does so now. clock_ms: milliseconds since 1970.
    """

    topic: str
    evidence: Evidence
    send: Send
    may_send: Callable[[], bool]
    clock_ms: Callable[[], int]
    _closing: Closing = field(default_factory=Closing)
    _assigned: asyncio.Event = field(default_factory=asyncio.Event)

    def assigned(self, partitions: Collection[int]) -> None:
        """These are ours now, and are looked at at once."""
        self._closing.assigned(partitions)
        self._assigned.set()

    async def run(self) -> None:
        """Work until it is cancelled. What the broker refuses is logged and tried again."""
        while True:
            self._assigned.clear()
            pause_s = CLOSE_EVERY_MS / 1000 if await self._round() else AGAIN_S
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._assigned.wait()

    async def _round(self) -> bool:
        """Whether all was looked at."""
        if not self.may_send():
            return False
        try:
            await self.look()
        except (EvidenceError, OSError) as error:
            _log.warning("idle segments are not closed now, trying again", topic=self.topic, error=repr(error))
            return False
        return True

    async def look(self) -> None:
        """Append a filler where it is due. Raises EvidenceError."""
        if not self._closing.partitions:
            return
        async with self.evidence.look() as look:
            found, _ = await look.settings([self.topic])
            young_ms = self.clock_ms() - closable_after_ms(found[self.topic]) - CLOCKS_MS
            later = await look.next_after(self.topic, max(0, young_ms))  # below 0: nothing is ever closed
            ends = await look.ends(self.topic)
            for partition in self._closing.idle(later, ends):
                closed_at = ends[partition]
                if not await self._ends_with_a_filler(look, partition, closed_at):
                    closed_at = await self._fill(partition)
                self._closing.closed(partition, closed_at)

    async def _ends_with_a_filler(self, look: Look, partition: int, end: int) -> bool:
        place = TopicPartition(self.topic, partition)
        return any(
            [
                is_filler(record.key, record.value)
                async for record in read_partition(look.consumer, place, end, start=end - 1)
            ]
        )

    async def _fill(self, partition: int) -> int:
        """Where the partition ends then."""
        sent = await self.send(Output(topic=self.topic, key=FILLER_KEY, value=b"", partition=partition))
        written = await asyncio.shield(sent)  # a send is never cancelled: it may be out
        return written.offset + 1
