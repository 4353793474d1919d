"""The eraser: drives every deletion whose command came by a partition of this worker, from state to state."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiokafka.errors import KafkaError
from msgspec import structs

from streams.agents.erasure.leftovers import Reading
from streams.agents.erasure.pending import PendingErasures
from streams.agents.erasure.receipts import Receipts, erasure_record
from streams.agents.erasure.steps import CATCH_UP_S, AccountKeyMissingError, Steps
from streams.agents.erasure.waits import CHECK_EVERY_MS
from streams.engine.lanes.lane import Lane
from streams.engine.lanes.lanes import Lanes
from streams.engine.outlet import Outlet, OutputTooLargeError
from streams.engine.reading.evidence import Evidence, EvidenceError
from streams.engine.reading.view import View
from streams.engine.topics.admin import AdminError
from streams.logs.billing import BillingError
from streams.wire.records import Erasure
from streams.wire.topics import ERASURE_KEY, GALLERY_COMMANDS, Topics

_log = structlog.get_logger(__name__)

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
"""Of one that cannot go on, and others can."""

WAITS: Final = (
    AccountKeyMissingError,
    AdminError,
    BillingError,
    EvidenceError,
    KafkaError,
    OutputTooLargeError,
    TimeoutError,
)
"""What may be otherwise when it is asked again, or is another's to mend."""


@dataclass(slots=True, kw_only=True)
class Eraser:
    """Looks once a second, and works in a lane of its own, one a partition: under the lease and behind the fence.

    A deletion that does not move is looked at again after a pause, twice as long each time. Whoever takes one over
    says so in its first record; what it has seen of the brokers counts as long as nobody else has done so since.

    is_ready: whether all views have read what there was at the start. view: of erasures.
    """

    topics: Topics
    pending: PendingErasures
    view: View
    steps: Steps
    receipts: Receipts
    evidence: Evidence
    lanes: Lanes
    is_ready: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    _ours: frozenset[int] = frozenset()
    _due: dict[str, float] = field(default_factory=dict)
    _pauses_s: dict[str, float] = field(default_factory=dict)
    _driven_since_ms: dict[str, int | None] = field(default_factory=dict)

    def assigned(self, partitions: set[int]) -> None:
        """These partitions of gallery-commands are ours now, and so are the deletions that came by them.

        Those whose partition was ours before go on as if nothing had happened.
        """
        kept, of_all = self._ours & partitions, self.topics.spec(GALLERY_COMMANDS).partitions
        still = {each.event_id for partition in kept for each in self.pending.of(partition, of_all)}
        self._driven_since_ms = {each: since for each, since in self._driven_since_ms.items() if each in still}
        self._ours = frozenset(partitions)
        self._due.clear()
        self._pauses_s.clear()
        self.steps.bytes_gone.keep({each.event_id for each in self.pending.all()})

    def look(self) -> None:
        """Set to work what is due."""
        if not len(self.pending) or not self.is_ready():
            return
        for partition in self._ours:
            place = (self.topics.name(GALLERY_COMMANDS), partition, ERASURE_KEY)
            lane = self.lanes.find(place)
            is_free = lane is None or lane.idle
            if is_free and self._due_of(partition):
                self.lanes.enqueue(place, self._drive)

    def _due_of(self, partition: int) -> list[Erasure]:
        partitions, now = self.topics.spec(GALLERY_COMMANDS).partitions, self.clock()
        return [each for each in self.pending.of(partition, partitions) if now >= self._due.get(each.event_id, 0.0)]

    async def _drive(self, lane: Lane, outlet: Outlet) -> None:
        partition = lane.place[1]
        try:
            async with asyncio.timeout(CATCH_UP_S):
                await self.view.catch_up()  # a former owner may just have come further
            async with self.evidence.look() as look:
                reading = Reading(look, self.topics)
                for erasure in self._due_of(partition):
                    await self._advance(erasure, reading, outlet)
        except WAITS as error:
            _log.warning("deletions have to wait", partition=partition, reason=str(error) or repr(error))
            for erasure in self._due_of(partition):
                self._pause(erasure.event_id, CHECK_EVERY_MS / 1000)

    async def _advance(self, erasure: Erasure, reading: Reading, outlet: Outlet) -> None:
        """As far as it comes now. Where it cannot go on, those behind it can."""
        event_id = erasure.event_id
        newest: Erasure | None = erasure
        try:
            while newest is not None and await self._step(newest, reading, outlet):
                self._pauses_s.pop(event_id, None)
                newest = self.pending.newest(event_id)
        except WAITS as error:
            _log.warning("a deletion has to wait", erasure=event_id, reason=str(error) or repr(error))
            self._pause(event_id, LONGEST_PAUSE_S)
            return
        if newest is None:
            self._due.pop(event_id, None)
        elif newest.state == "confirmed":  # the bound counts on being asked so often
            self._due[event_id] = self.clock() + CHECK_EVERY_MS / 1000
        else:
            self._pause(event_id, CHECK_EVERY_MS / 1000)

    async def _step(self, erasure: Erasure, reading: Reading, outlet: Outlet) -> bool:
        """Whether it has moved."""
        account = self.pending.containing(erasure)
        following = None if account is not None else await self.steps.next(erasure, reading, outlet)
        if not self._drives(erasure):
            following = self.steps.taken_over(following or erasure)
        if following is not None:
            [written] = await outlet.publish([erasure_record(self.topics, following)])
            await self.view.reached(written.partition, written.offset + 1)
            self._driven_since_ms[following.event_id] = following.driven_since_ms
            _log.info("deletion goes on", erasure=following.event_id, state=following.state)
            return True
        if account is not None:
            return await self._close(erasure, account, reading, outlet)
        return await self._complete(erasure, reading, outlet)

    def _drives(self, erasure: Erasure) -> bool:
        """Whether we took it over, and nobody else since."""
        since_ms = erasure.driven_since_ms
        return since_ms is not None and self._driven_since_ms.get(erasure.event_id) == since_ms

    async def _complete(self, erasure: Erasure, reading: Reading, outlet: Outlet) -> bool:
        in_sync = erasure.in_sync_at_ms is not None or not self.steps.broker.compacts
        if erasure.state != "confirmed" or not in_sync:
            return False
        completed = await self.steps.completed(erasure, reading, outlet)
        if completed is None:
            return False
        if erasure.scope == "account":  # its own record alone stays, beside the receipt
            for batch in self.receipts.without(self.pending.completed_before(erasure)):
                await outlet.publish(batch)
        *_, written = await outlet.publish(await self.receipts.complete(completed, reading.look))
        await self.view.reached(written.partition, written.offset + 1)
        self._done(erasure)
        _log.info("deletion is complete", erasure=erasure.event_id, silent=completed.silent)
        return True

    async def _close(self, erasure: Erasure, account: Erasure, reading: Reading, outlet: Outlet) -> bool:
        """Complete what the deletion of the account has done, once its own command is gone; whose key it bears, or not.

        Its record goes as those did that were complete by then: the account's alone stays, beside the receipts.
        """
        if not await self.steps.bytes_gone.of_command(erasure, reading.look):
            return False
        completed = structs.replace(
            erasure,
            reached=account.reached or erasure.reached,
            workers=account.workers,
            snapshots=account.snapshots,
            silent=account.silent,
        )
        answer = await self.receipts.complete(completed, reading.look)
        [erased] = self.receipts.without([erasure.event_id])
        *_, written = await outlet.publish([*answer, *erased])
        await self.view.reached(written.partition, written.offset + 1)
        self._done(erasure)
        _log.info("deletion is complete", erasure=erasure.event_id, contained_in=account.event_id)
        return True

    def _done(self, erasure: Erasure) -> None:
        self._driven_since_ms.pop(erasure.event_id, None)
        self.steps.bytes_gone.done(erasure)

    def _pause(self, event_id: str, longest_s: float) -> None:
        pause_s = min(2 * self._pauses_s.get(event_id, FIRST_PAUSE_S / 2), longest_s)
        self._pauses_s[event_id] = pause_s
        self._due[event_id] = self.clock() + pause_s
