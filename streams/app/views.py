"""The views that a worker holds, what they feed, and the snapshot from which the gallery's may begin."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from streams.agents.cameras.sightings import VisitsView
from streams.agents.erasure.pending import PendingErasures
from streams.agents.gallery.said_before import SaidBefore
from streams.agents.gallery.snapshots import Snapshots
from streams.agents.gallery.view import GalleryView
from streams.app.clock import now_ms
from streams.app.vision import Vision
from streams.engine.reading.view import View
from streams.settings import Settings
from streams.wire.codes import Code
from streams.wire.records import Erasure, GalleryEvent
from streams.wire.topics import CONTROL, ERASURES, FACE_FEATURES, GALLERY_EVENTS, VISITS
from streams.wire.workers import WorkersView

STALE_S: Final = 30.0
"""A worker whose gallery has not heard of the broker for so long is not ready."""


class Views:
    """gallery feeds known, visits feeds newest, answers feeds answered, erasures feeds erased and pending, control
    feeds workers.
    """

    def __init__(
        self,
        settings: Settings,
        vision: Vision,
        *,
        epoch: str,
        refused: Callable[[str, Code], object],
        fatal: Callable[[BaseException], object],
    ) -> None:
        """epoch: of face-features. refused: told the topic's short name and the code of each record not used."""
        self._settings = settings
        self._refused = refused
        self.known = GalleryView(
            keys=vision.keys,
            galleries=vision.galleries,
            model_version=vision.pack.model_version,
            partitions=settings.topics().spec(FACE_FEATURES).partitions,
            refused=partial(refused, FACE_FEATURES),
        )
        self.newest = VisitsView(settings.topics().spec(VISITS).partitions)
        self.answered = SaidBefore(GalleryEvent)
        self.erased = SaidBefore(Erasure)
        self.pending = PendingErasures(self.known.erase, partitions=self.known.partitions)
        self.workers = WorkersView()
        self.gallery = self._view(FACE_FEATURES, self.known.apply)
        self.visits = self._view(VISITS, self.newest.apply)
        self.answers = self._view(GALLERY_EVENTS, self.answered.apply)
        self.erasures = self._view(ERASURES, self._take_erasure)
        self.control = self._view(CONTROL, self.workers.apply)
        self.snapshots = self._make_snapshots(epoch, fatal)

    async def start(self) -> None:
        """Begin to read; `ready` waits."""
        await (self.gallery if self.snapshots is None else self.snapshots).start()
        for view in self._all[1:]:
            await view.start()

    async def ready(self) -> None:
        """Wait until all that stood on the topics at the start has been taken."""
        for view in self._all:
            await view.ready()

    async def finish(self) -> None:
        """Save the last snapshot: before this worker's last word, which says what stays behind."""
        if self.snapshots is not None:
            await self.snapshots.finish()

    async def stop(self) -> None:
        """Stop reading."""
        if self.snapshots is not None:
            await self.snapshots.stop()
        for view in self._all:
            await view.stop()

    def why_not_ready(self) -> str | None:
        """None when all views are current, else what is waited for."""
        waiting = [view.topic for view in self._all if not view.is_ready]
        if waiting:
            return f"reading {', '.join(waiting)}"
        if self.gallery.age_s > STALE_S:
            return f"the gallery has not heard of the broker for {self.gallery.age_s:.0f} s"
        return None

    @property
    def _all(self) -> tuple[View, ...]:
        return self.gallery, self.visits, self.answers, self.erasures, self.control

    def _take_erasure(self, record: Any) -> None:
        self.erased.apply(record)
        self.pending.apply(record)

    def _view(self, short: str, apply: Callable[[Any], object]) -> View:
        return View(
            self._settings.topics().name(short),
            self._settings.connection(),
            apply,
            refused=partial(self._refused, short, Code.BAD_RECORD),
        )

    def _make_snapshots(self, epoch: str, fatal: Callable[[BaseException], object]) -> Snapshots | None:
        if self._settings.snapshot_dir is None:
            return None
        keys = self.known.keys
        ids = " ".join(info.id for info in keys.list_keys())  # another key may open what was refused
        delete_retention_ms = int(self._settings.topics().spec(FACE_FEATURES).config["delete.retention.ms"])
        return Snapshots(
            directory=self._settings.snapshot_dir / self._settings.account,
            key=keys.snapshot_key(),
            known=self.known,
            view=self.gallery,
            source=f"{self.gallery.topic} {epoch} {ids}",
            max_age_ms=delete_retention_ms // 2,
            clock_ms=now_ms,
            must_pass=self.pending.reached,
            fatal=fatal,
        )
