"""The eraser: drives every deletion whose command came by a partition of this worker, from state to state."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from streams.agents.erasure.leftovers import Reading
from streams.agents.erasure.pending import PendingErasures
from streams.agents.erasure.receipts import Receipts, state
from streams.agents.erasure.steps import CATCH_UP_S, Steps
from streams.agents.erasure.waits import CHECK_EVERY_MS
from streams.engine.evidence import Evidence, EvidenceError
from streams.engine.lanes import Lane, Lanes
from streams.engine.outlet import Outlet
from streams.engine.view import View
from streams.logs.billing import BillingError
from streams.wire.records import Erasure
from streams.wire.topics import GALLERY_COMMANDS, Topics

_log = structlog.get_logger(__name__)

LANE_KEY: Final = b"~erasure"


@dataclass(slots=True, kw_only=True)
class Eraser:
    """Looks once a second, and works in a lane of its own, one a partition: under the lease and behind the fence.

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
    _due: dict[int, float] = field(default_factory=dict)

    def assigned(self, partitions: set[int]) -> None:
        """These partitions of gallery-commands are ours now, and so are the deletions that came by them."""
        self._due = dict.fromkeys(partitions, 0.0)

    def look(self) -> None:
        """Set to work what is due."""
        if not len(self.pending) or not self.is_ready():
            return
        for partition, due in self._due.items():
            place = (self.topics.name(GALLERY_COMMANDS), partition, LANE_KEY)
            lane = self.lanes.find(place)
            is_free = lane is None or lane.idle
            if is_free and self.clock() >= due and self.pending.of(partition):
                self.lanes.enqueue(place, self._drive)

    async def _drive(self, lane: Lane, outlet: Outlet) -> None:
        partition = lane.place[1]
        try:
            async with asyncio.timeout(CATCH_UP_S):
                await self.view.catch_up()  # a former owner may just have come further
            async with self.evidence.look() as look:
                reading = Reading(look, self.topics)
                for erasure in self.pending.of(partition):
                    await self._advance(erasure, reading, outlet)
        except (EvidenceError, BillingError, KafkaError, TimeoutError) as error:
            _log.warning("deletions have to wait", partition=partition, reason=str(error) or repr(error))
        if partition in self._due:
            waits_for_bytes = all(each.state == "confirmed" for each in self.pending.of(partition))
            self._due[partition] = self.clock() + (CHECK_EVERY_MS / 1000 if waits_for_bytes else 0.0)

    async def _advance(self, erasure: Erasure | None, reading: Reading, outlet: Outlet) -> None:
        """As far as it comes now."""
        while erasure is not None:
            following = await self.steps.next(erasure, reading, outlet)
            if following is None:
                await self._complete(erasure, reading, outlet)
                return
            [written] = await outlet.publish([state(self.topics, following)])
            await self.view.reached(written.partition, written.offset + 1)
            _log.info("deletion goes on", erasure=following.event_id, state=following.state)
            erasure = self.pending.newest(erasure.event_id)

    async def _complete(self, erasure: Erasure, reading: Reading, outlet: Outlet) -> None:
        in_sync = erasure.in_sync_at_ms is not None or not self.steps.broker.compacts
        if erasure.state != "confirmed" or not in_sync:
            return
        if await self.steps.is_complete(erasure, reading, outlet):
            *_, written = await outlet.publish(await self.receipts.complete(erasure, reading.look))
            await self.view.reached(written.partition, written.offset + 1)
            self.steps.bytes_gone.done(erasure)
            _log.info("deletion is complete", erasure=erasure.event_id, silent=erasure.silent)
