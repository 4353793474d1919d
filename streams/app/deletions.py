"""What carries deletions out in a worker, made from settings and from what it works with."""

import secrets
from collections.abc import Collection

from streams.agents.cameras.sightings import Sightings
from streams.agents.erasure.account import AccountRecords
from streams.agents.erasure.bytes_gone import BytesGone
from streams.agents.erasure.confirming import Confirmations
from streams.agents.erasure.erased import Erased
from streams.agents.erasure.eraser import Eraser
from streams.agents.erasure.receipts import Receipts
from streams.agents.erasure.steps import Steps
from streams.agents.erasure.tombstones import Tombstones
from streams.agents.erasure.unnaming import Unnaming
from streams.app.clock import now_ms
from streams.app.views import Views
from streams.engine.brokers import BROKERS
from streams.engine.lanes.lanes import Lanes
from streams.engine.outlet import Send
from streams.engine.reading.evidence import Evidence
from streams.monitor.metrics import Metrics
from streams.settings import Settings
from streams.wire.rights import workers_group
from streams.wire.topics import CAMERA_FRAMES, GALLERY_COMMANDS


class Deletions:
    """The eraser, the visits' part in it, and this worker's own word on how far it is."""

    def __init__(
        self,
        settings: Settings,
        views: Views,
        sightings: Sightings,
        lanes: Lanes,
        metrics: Metrics,
        *,
        epoch: str,
    ) -> None:
        """epoch: of gallery-commands."""
        self._settings = settings
        self._topics = settings.topics()
        self._views = views
        self._metrics = metrics
        self._name = settings.instance_id or secrets.token_hex(4)
        self._unnaming = Unnaming(
            sightings=sightings, lanes=lanes, is_ready=self._is_ready, catch_up=views.gallery.catch_up
        )
        self._confirmations = Confirmations(
            topics=self._topics,
            worker=self._worker,
            applied=lambda: views.gallery.positions,
            saved=lambda: None if views.snapshots is None else views.snapshots.saved,
            swept=set() if views.snapshots is None else views.snapshots.swept,
            pending=views.pending,
            clock_ms=now_ms,
        )
        self._eraser = self._make_eraser(lanes, sightings, epoch)

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        """These (topic, partition) are ours now."""

        def of(short: str) -> set[int]:
            return {number for topic, number in partitions if topic == self._topics.name(short)}

        self._unnaming.assigned(of(CAMERA_FRAMES))
        self._eraser.assigned(of(GALLERY_COMMANDS))

    def look(self) -> None:
        """Once a second: set to work what is due."""
        pending = self._views.pending
        self._metrics.erasures(pending=len(pending), oldest_s=pending.oldest_age_s(now_ms()))
        self._unnaming.look()
        self._eraser.look()

    async def write(self, send: Send) -> None:
        """Once a second: say how far this worker is, where that is due."""
        await self._confirmations.write(send)

    async def end(self, send: Send) -> None:
        """The worker ends."""
        await self._confirmations.end(send)

    def _is_ready(self) -> bool:
        return self._views.why_not_ready() is None

    def _worker(self) -> str:
        snapshots = self._views.snapshots
        return self._name if snapshots is None or snapshots.worker is None else snapshots.worker

    def _make_eraser(self, lanes: Lanes, sightings: Sightings, epoch: str) -> Eraser:
        """epoch: of gallery-commands."""
        views, broker = self._views, BROKERS[self._settings.broker]
        deployment = sightings.deployment
        erased = Erased(keys=views.known.keys, known=views.known)
        tombstones = Tombstones(topics=self._topics, view=views.gallery)
        steps = Steps(
            topics=self._topics,
            epoch=epoch,
            broker=broker,
            known=views.known,
            newest=views.newest,
            workers=views.workers,
            views=(views.gallery, views.visits, views.control),
            tombstones=tombstones,
            erased=erased,
            account=AccountRecords(
                topics=self._topics, epoch=sightings.epoch, deployment=deployment, broker=broker, newest=views.newest
            ),
            bytes_gone=BytesGone(
                topics=self._topics,
                epoch=epoch,
                broker=broker,
                tombstones=tombstones,
                erased=erased,
                clock_ms=now_ms,
            ),
            clock_ms=now_ms,
        )
        return Eraser(
            topics=self._topics,
            pending=views.pending,
            view=views.erasures,
            steps=steps,
            receipts=Receipts(
                topics=self._topics, deployment=deployment, keys=views.known.keys, broker=broker, clock_ms=now_ms
            ),
            evidence=Evidence(self._settings.connection(), workers_group(self._topics), broker.exact_ends),
            lanes=lanes,
            is_ready=self._is_ready,
        )
