"""The steps of a deletion: what stands on erasures in, its next record out.

Each step is judged by what can be looked at again, and does no harm when it is done twice: a worker that dies in the
middle leaves a state from which its successor goes on.

accepted: what it covers is counted and noted, then tombstoned. tombstoned: once every request has ended that was in
flight then, what those have written is tombstoned as well. swept: every worker has carried it out, in memory, in its
snapshot and in the visits that it keeps. confirmed: the bytes are gone from every copy, and the command's own too.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from msgspec import structs

from streams.agents.cameras.sightings import VisitsView
from streams.agents.erasure.account import AccountRecords
from streams.agents.erasure.bytes_gone import BytesGone
from streams.agents.erasure.erased import Erased
from streams.agents.erasure.leftovers import Reading, named_by
from streams.agents.erasure.tombstones import Tombstones
from streams.agents.erasure.workers import Verdict, judge, taken_back
from streams.agents.gallery.references import Reference
from streams.agents.gallery.view import GalleryView
from streams.engine.brokers import Broker
from streams.engine.outlet import Outlet
from streams.engine.reading.evidence import Look
from streams.engine.reading.view import View
from streams.logs.billing import abridged
from streams.wire.event_id import EventId
from streams.wire.records import Erasure
from streams.wire.topics import FACE_FEATURES, GALLERY_COMMANDS, Topics
from streams.wire.workers import WorkersView

_log = structlog.get_logger(__name__)

CATCH_UP_S: Final = 10.0
REPEATS_IN_RETENTION: Final = 4
"""While a copy is away, tombstones are written again so often in the time for which the broker keeps one."""


class AccountKeyMissingError(Exception):
    """Whom a deletion's pseudonym stands for is not known here: to drive it would be a deletion of nobody."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"the account key {key_id} is not in this worker's key directory")
        self.key_id = key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """epoch: of gallery-commands. views: those that feed known, newest and workers."""

    topics: Topics
    epoch: str
    broker: Broker
    known: GalleryView
    newest: VisitsView
    workers: WorkersView
    views: Sequence[View]
    tombstones: Tombstones
    erased: Erased
    bytes_gone: BytesGone
    account: AccountRecords
    clock_ms: Callable[[], int]

    async def next(self, erasure: Erasure, reading: Reading, outlet: Outlet) -> Erasure | None:
        """Its next record, None where it has to wait; of a deletion that is confirmed, see `completed` then.

        Raises AccountKeyMissingError where another worker must drive it; AdminError, EvidenceError, KafkaError and
        TimeoutError where the brokers do not say what it takes to know.
        """
        if erasure.key_id is not None and not self.erased.keys.has_account_key(erasure.key_id):
            raise AccountKeyMissingError(erasure.key_id)
        async with asyncio.timeout(CATCH_UP_S):
            for view in self.views:
                await view.catch_up()
        if erasure.state == "accepted":
            return await self._tombstone(erasure, reading, outlet)
        if erasure.state == "tombstoned":
            return await self._sweep(erasure, reading, outlet)
        if erasure.state == "swept":
            return await self._confirm(erasure, reading, outlet)
        return await self._keep_in_sync(erasure, reading, outlet)

    async def completed(self, erasure: Erasure, reading: Reading, outlet: Outlet) -> Erasure | None:
        """Of one that is confirmed, and whose copies are in sync: as it ends; None while anything is left of it."""
        of_person = not self.broker.compacts or await self.bytes_gone.of_person(erasure, reading, outlet)
        of_command = await self.bytes_gone.of_command(erasure, reading.look)
        if not of_person or not of_command:
            return None
        # once more: a worker may have begun since, with a snapshot of before, or have had a frame under way
        verdict = self._verdict(erasure)
        if verdict.waiting or not verdict.confirmed or self._is_named(erasure):
            return None
        if verdict.gone:  # or control would grow with each worker that ended without a word
            await outlet.publish([taken_back(self.topics, worker) for worker in verdict.gone])
        if verdict.silent:
            _log.warning("workers do not say that they forgot", erasure=erasure.event_id, silent=verdict.silent)
        if unread := self.erased.unread(erasure):
            _log.warning("key records in its scope do not open, and stay", erasure=erasure.event_id, count=unread)
        return self._changed(
            erasure,
            workers=list(verdict.confirmed),
            snapshots=verdict.snapshots,
            silent=list(verdict.silent),
            unread=unread,
        )

    def taken_over(self, erasure: Erasure) -> Erasure:
        """As the worker writes it that drives it from now on; nothing else of it changes."""
        return structs.replace(erasure, driven_since_ms=self.clock_ms())

    async def _tombstone(self, erasure: Erasure, reading: Reading, outlet: Outlet) -> Erasure:
        covered = self.known.covered(erasure)
        if covered and not erasure.reached:  # noted before: who goes on with it finds no more than is left
            return self._counted(erasure, covered)
        await self.tombstones.write(covered, outlet)
        partitions = {int(partition) for partition in erasure.reached} | self.tombstones.partitions_of(covered)
        ends = await reading.look.ends(self.topics.name(GALLERY_COMMANDS))
        return self._changed(
            erasure,
            state="tombstoned",
            reached=self.tombstones.reached(partitions),
            waits_for={str(partition): offset for partition, offset in sorted(ends.items())},
        )

    async def _sweep(self, erasure: Erasure, reading: Reading, outlet: Outlet) -> Erasure | None:
        if not await self._is_answered(erasure, reading.look):
            return None
        await self._read_features(reading.look)  # what the answered have written may have come since
        covered, orphans = self.known.covered(erasure), self.known.orphans()
        if not covered and not orphans:
            # everywhere: whoever wrote the last tombstones, of orphans or before it died, may have noted them nowhere
            return self._changed(erasure, state="swept", reached=self.tombstones.reached_everywhere())
        await self.tombstones.write([*covered, *orphans], outlet)
        late = self._counted(erasure, covered)
        partitions = {int(partition) for partition in late.reached} | self.tombstones.partitions_of(orphans)
        return self._changed(late, reached=self.tombstones.reached(partitions))

    async def _is_answered(self, erasure: Erasure, look: Look) -> bool:
        """Whether every command has been answered that was in flight when the deletion began."""
        if EventId.parse(erasure.event_id).epoch != self.epoch:
            return True  # the topic was deleted since, with all that was in flight
        topic = self.topics.name(GALLERY_COMMANDS)
        committed, starts = await look.committed(topic), await look.starts(topic)
        # what the log does not hold any more is nobody's to answer
        return all(
            max(committed.get(int(partition), 0), starts.get(int(partition), 0)) >= offset
            for partition, offset in erasure.waits_for.items()
        )

    async def _read_features(self, look: Look) -> None:
        """Until our view is behind all that stands on face-features now.

        What it holds for the end lies before the first open transaction; what is committed may lie behind that.
        """
        ends = await look.ends(self.topics.name(FACE_FEATURES))
        async with asyncio.timeout(CATCH_UP_S):
            for partition, end in ends.items():
                await self.tombstones.view.reached(partition, end)

    async def _confirm(self, erasure: Erasure, reading: Reading, outlet: Outlet) -> Erasure | None:
        verdict = self._verdict(erasure)
        if verdict.waiting or not verdict.confirmed or self._is_named(erasure):
            return None
        if erasure.scope == "account":
            if erasure.bill is None:  # stands on erasures before anything goes that it is made from
                bill = await self.account.bill(erasure, reading.look)
                return None if bill is None else self._changed(erasure, bill=abridged(bill))
            written = await self.account.erase(erasure, reading.look, outlet)
            erasure = structs.replace(erasure, tombstones={**erasure.tombstones, **written})
        in_sync = not self.broker.compacts or await self.bytes_gone.copies_in_sync(reading.look)
        return self._changed(
            erasure,
            state="confirmed",
            workers=list(verdict.confirmed),
            silent=list(verdict.silent),
            in_sync_at_ms=self.clock_ms() if in_sync else None,
        )

    async def _keep_in_sync(self, erasure: Erasure, reading: Reading, outlet: Outlet) -> Erasure | None:
        """A copy that was away brings back what was compacted away elsewhere, together with the tombstone."""
        if not self.broker.compacts:
            return None
        if await self.bytes_gone.copies_in_sync(reading.look):
            if erasure.in_sync_at_ms is not None:
                return None
            back = await self._repeated(erasure, reading, outlet)
            return structs.replace(back, in_sync_at_ms=back.updated_at_ms, driven_since_ms=back.updated_at_ms)
        if erasure.in_sync_at_ms is not None:
            return self._changed(erasure, in_sync_at_ms=None)
        kept_ms = (await self.bytes_gone.waits(reading.look)).tombstones
        if self.clock_ms() - erasure.updated_at_ms < kept_ms // REPEATS_IN_RETENTION:
            return None
        return await self._repeated(erasure, reading, outlet)

    async def _repeated(self, erasure: Erasure, reading: Reading, outlet: Outlet) -> Erasure:
        for partition in map(int, erasure.reached):
            keys = sorted((await reading.history(partition)).tombstones())
            await self.tombstones.write_keys(keys, [partition] * len(keys), outlet)
        return self._changed(
            erasure,
            reached=self.tombstones.reached(map(int, erasure.reached)),
            repeats=erasure.repeats + 1,
        )

    def _counted(self, erasure: Erasure, covered: Sequence[Reference]) -> Erasure:
        partitions = {int(partition) for partition in erasure.reached} | self.tombstones.partitions_of(covered)
        features = sum(len(each.features) for each in covered)
        tombstones = erasure.tombstones.get(FACE_FEATURES, 0) + features + len(covered)
        return self._changed(
            erasure,
            persons=erasure.persons + len({(each.gallery, each.person_id or each.reference) for each in covered}),
            features=erasure.features + features,
            tombstones={**erasure.tombstones, FACE_FEATURES: tombstones},
            reached=self.tombstones.reached(partitions),
        )

    def _verdict(self, erasure: Erasure) -> Verdict:
        return judge(self.workers.all(), erasure.reached, self.clock_ms())

    def _is_named(self, erasure: Erasure) -> bool:
        return any(self.erased.names(erasure, *each) for record in self.newest.all() for each in named_by(record))

    def _changed(self, erasure: Erasure, **fields: object) -> Erasure:
        return structs.replace(erasure, **fields, updated_at_ms=self.clock_ms())
