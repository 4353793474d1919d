"""Whether the bytes of what a deletion covers are gone from the brokers' disks, and what it takes to have them go."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from streams.agents.erasure.erased import Erased
from streams.agents.erasure.leftovers import Named, Reading
from streams.agents.erasure.tombstones import Tombstones
from streams.agents.erasure.waits import COMPACTED, Waits, waits
from streams.engine.brokers import Broker
from streams.engine.outlet import Outlet, Output
from streams.engine.reading.evidence import EvidenceError, Look
from streams.wire.event_id import EventId
from streams.wire.records import Erasure
from streams.wire.topics import FILLER_KEY, GALLERY_COMMANDS, MS_PER_MINUTE, VISITS, Topics

SETTINGS_KEPT_MS: Final = MS_PER_MINUTE
LONGEST_PAUSE_MS: Final = MS_PER_MINUTE


@dataclass(slots=True)
class _Seen:
    """Of one deletion, since all copies were in sync and we drive it.

    clean_since_ms: from when on the logs held nothing of it.
    """

    in_sync_at_ms: int | None
    driven_since_ms: int | None
    clean_since_ms: int | None = None
    read_again_ms: int = 0


@dataclass(slots=True, kw_only=True)
class BytesGone:
    """What one worker has seen of it. A successor begins to look anew, which costs time and nothing else.

    Since when a command is deleted counts for whoever has seen it: that it is cannot change while others drive.

    epoch: of gallery-commands.
    """

    topics: Topics
    epoch: str
    broker: Broker
    tombstones: Tombstones
    erased: Erased
    clock_ms: Callable[[], int]
    _filled_ms: list[int] = field(default_factory=list)
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _deleted_since_ms: dict[str, int] = field(default_factory=dict)
    _waits: Waits | None = None
    _waits_read_ms: int = 0

    async def waits(self, look: Look) -> Waits:
        """As the settings are; somebody may alter them while we run."""
        if self._waits is None or self.clock_ms() - self._waits_read_ms >= SETTINGS_KEPT_MS:
            names = [self.topics.name(short) for short in (*COMPACTED, GALLERY_COMMANDS)]
            found, brokers = await look.settings(names)
            self._waits, self._waits_read_ms = waits(self.topics, found, brokers), self.clock_ms()
        return self._waits

    async def copies_in_sync(self, look: Look) -> bool:
        """Whether every copy has what the leader has of all that is compacted."""
        return await look.copies_in_sync(self.topics.name(short) for short in COMPACTED)

    async def of_person(self, erasure: Erasure, reading: Reading, outlet: Outlet) -> bool:
        """Whether no copy holds a value any more that the deletion covers; writes the filler that it may take.

        Erases what stands astray: on face-features whosever it is, on visits what names whom the deletion covers.
        To be asked while all copies are in sync, and have been since `in_sync_at_ms`.
        """
        wait, now_ms = await self.waits(reading.look), self.clock_ms()
        closable_ms = (erasure.in_sync_at_ms or now_ms) + wait.lag
        filled_ms = next((each for each in self._filled_ms if each > closable_ms), None)
        if filled_ms is None:
            if now_ms > closable_ms:
                await self._fill(outlet)
            return False
        seen = self._seen_of(erasure)
        if now_ms < seen.read_again_ms:
            return False
        await self._erase_astray(erasure, reading, outlet)
        if await self._leftovers(erasure, reading):
            seen.clean_since_ms = None
            # seldom, where the cleaner takes longer than it is to: each time reads two topics from their beginnings
            seen.read_again_ms = now_ms + min(max(0, now_ms - filled_ms - wait.backoff), LONGEST_PAUSE_MS)
            if now_ms > self._filled_ms[-1] + wait.lag:
                await self._fill(outlet)
            return False
        if seen.clean_since_ms is None:
            seen.clean_since_ms = now_ms
            seen.read_again_ms = now_ms + wait.copies
        return now_ms >= seen.clean_since_ms + wait.copies

    async def of_command(self, erasure: Erasure, look: Look) -> bool:
        """Whether the command's own record, whose key is the person's id, is gone: the purge of the input does that."""
        if not self.broker.deletes_records:
            return True
        place = EventId.parse(erasure.event_id)
        if place.epoch != self.epoch:
            return True  # the topic was deleted since, and made anew
        starts = await look.starts(self.topics.name(GALLERY_COMMANDS))
        if place.partition not in starts:
            raise EvidenceError(f"the brokers do not tell where partition {place.partition} of gallery-commands begins")
        if starts[place.partition] <= place.offset:
            self._deleted_since_ms.pop(erasure.event_id, None)  # a new leader may have yet to delete it
            return False
        since_ms = self._deleted_since_ms.setdefault(erasure.event_id, self.clock_ms())
        return self.clock_ms() >= since_ms + (await self.waits(look)).command

    def keep(self, event_ids: Collection[str]) -> None:
        """Forget what was seen of all other deletions."""
        self._seen = {event_id: seen for event_id, seen in self._seen.items() if event_id in event_ids}
        self._deleted_since_ms = {
            event_id: since_ms for event_id, since_ms in self._deleted_since_ms.items() if event_id in event_ids
        }

    def done(self, erasure: Erasure) -> None:
        """It is complete."""
        self._seen.pop(erasure.event_id, None)
        self._deleted_since_ms.pop(erasure.event_id, None)

    def _seen_of(self, erasure: Erasure) -> _Seen:
        """What was seen before a copy dropped out, or before another worker drove it, says nothing of it."""
        seen, since = self._seen.get(erasure.event_id), (erasure.in_sync_at_ms, erasure.driven_since_ms)
        if seen is None or (seen.in_sync_at_ms, seen.driven_since_ms) != since:
            seen = self._seen[erasure.event_id] = _Seen(*since)
        return seen

    async def _leftovers(self, erasure: Erasure, reading: Reading) -> int:
        features = 0
        for partition, below in erasure.reached.items():
            features += (await reading.history(int(partition))).leftovers(below)
        found = set[Named]().union(*(names.found for names in await reading.names()))
        return features + sum(self.erased.names(erasure, *named) for named in found)

    async def _erase_astray(self, erasure: Erasure, reading: Reading, outlet: Outlet) -> None:
        for partition in map(int, erasure.reached):
            keys = (await reading.history(partition)).astray()
            await self.tombstones.write_keys(keys, [partition] * len(keys), outlet)
        outputs = [
            Output(topic=self.topics.name(VISITS), key=key, value=None, partition=names.partition)
            for names in await reading.names()
            for key, named in names.astray.items()
            if any(self.erased.names(erasure, *each) for each in named)
        ]
        if outputs:
            await outlet.publish(outputs)

    async def _fill(self, outlet: Outlet) -> None:
        """One record in each partition: aborted writes of a reference that nobody knows go with the others."""
        outputs = [
            Output(topic=self.topics.name(short), key=FILLER_KEY, value=b"", partition=partition)
            for short in COMPACTED
            for partition in range(self.topics.spec(short).partitions)
        ]
        await outlet.publish(outputs)
        self._filled_ms = [*self._filled_ms[-10:], self.clock_ms()]
