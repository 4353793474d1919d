"""One worker: views, lanes, agents, metrics and the engine, started in the order in which they need each other."""

import asyncio
import os
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from streams.agents.answers import Answers
from streams.agents.commands import CommandReader
from streams.agents.enrollment import EnrollmentAgent
from streams.agents.gallery_view import GalleryView
from streams.agents.gallery_writer import GalleryWriter
from streams.agents.journal import Journal
from streams.agents.recognition import RecognitionAgent
from streams.agents.sightings import Sightings, VisitsView
from streams.agents.silence import Silence
from streams.agents.snapshots import Snapshots
from streams.agents.visits import VisitSettings
from streams.app.observer import Observer
from streams.app.vision import Vision
from streams.engine.lanes import Lanes
from streams.engine.lease import Lease
from streams.engine.outlet import Outlet
from streams.engine.transport import Engine, GroupSettings
from streams.engine.view import View
from streams.logs.error import Repeats
from streams.monitor.health import HealthServer
from streams.monitor.metrics import Metrics
from streams.settings import Settings
from streams.wire.headers import Deployment
from streams.wire.topics import CAMERA_FRAMES, FACE_FEATURES, GALLERY_COMMANDS, GALLERY_EVENTS, VISITS

_log = structlog.get_logger(__name__)

TICK_S = 1.0
STALE_VIEW_S = 30.0
"""A worker whose gallery has not heard of the broker for so long is not ready."""


def now_ms() -> int:
    """The worker's clock: milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Worker:
    """A member of the consumer group.

    Made inside a running event loop, from settings, what recognises, and the input topics' epochs.
    """

    def __init__(self, settings: Settings, vision: Vision, epochs: dict[str, str]) -> None:
        self._settings = settings
        self._vision = vision
        self._topics = topics = settings.topics()
        registry = CollectorRegistry()
        self._metrics = metrics = Metrics(registry)
        self._fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._scratch = TemporaryDirectory(prefix="facestreams-")
        self._pool = ThreadPoolExecutor(settings.threads or len(os.sched_getaffinity(0)), "recognise")

        known = GalleryView(
            keys=vision.keys,
            galleries=vision.galleries,
            model_version=vision.pack.model_version,
            refused=metrics.record_refused,
        )
        newest, answers = VisitsView(), Answers()
        self._features = self._view(FACE_FEATURES, known.apply)
        self._snapshots = self._make_snapshots(known, epochs[GALLERY_COMMANDS])
        self._visits = self._view(VISITS, newest.apply)
        self._answers = self._view(GALLERY_EVENTS, answers.apply)

        deployment = Deployment(account=settings.account, app_id=settings.app_id, region=settings.region)
        self._journal = journal = Journal(
            topics=topics,
            deployment=deployment,
            repeats=Repeats(topics.error_log_bytes_per_s),
            clock_ms=now_ms,
            failed=metrics.failed,
        )
        sightings = Sightings(
            topics=topics,
            account=settings.account,
            epoch=epochs[CAMERA_FRAMES],
            settings=VisitSettings(
                timeout_ms=round(settings.visit_timeout_s * 1000), update_ms=round(settings.sighting_update_s * 1000)
            ),
            newest=newest,
            view=self._visits,
            knows=lambda gallery, person_id: person_id in vision.galleries.get(gallery),
        )
        recognition = RecognitionAgent(
            topics=topics,
            deployment=deployment,
            epoch=epochs[CAMERA_FRAMES],
            recognizer=vision.recognizer,
            galleries=vision.galleries,
            galleries_of=settings.galleries_of,
            pool=self._pool,
            sightings=sightings,
            journal=journal,
            models=vision.names,
            observer=Observer(metrics),
            clock_ms=now_ms,
        )
        writer = GalleryWriter(
            topics=topics,
            account=settings.account,
            keys=vision.keys,
            protector=vision.protector,
            model_version=vision.pack.model_version,
            known=known,
            view=self._features,
            clock_ms=now_ms,
        )
        enrollment = EnrollmentAgent(
            topics=topics,
            account=settings.account,
            reader=CommandReader(
                deployment=deployment,
                epoch=epochs[GALLERY_COMMANDS],
                gallery_names=frozenset(settings.galleries.names()),
            ),
            recognizer=vision.recognizer,
            galleries=vision.galleries,
            keys=vision.keys,
            known=known,
            features=self._features,
            writer=writer,
            answers=answers,
            answered=self._answers,
            pool=self._pool,
            journal=journal,
            clock_ms=now_ms,
        )
        self._lease = Lease(
            session_timeout_s=settings.session_timeout_s, rebalance_timeout_s=settings.rebalance_timeout_s
        )
        self._engine = Engine(self._group(), settings.connection(), self._lease, self._assigned)
        frames, commands = topics.name(CAMERA_FRAMES), topics.name(GALLERY_COMMANDS)
        self._lanes = Lanes(
            {frames: recognition, commands: enrollment},
            send=self._engine.send,
            lease=self._lease,
            acknowledge=self._engine.acknowledge,
            abandon=self._engine.abandon,
            fatal=self._end,
            max_in_flight=settings.max_in_flight,
            max_lanes=settings.max_cameras,
            publish_timeout_s=settings.publish_timeout_s,
        )
        self._engine.on_requests((frames, commands), self._views_ready, self._lanes.submit)
        self._silence = Silence(
            sightings=sightings,
            lanes=self._lanes,
            caught_up=self._engine.caught_up,
            after_s=settings.silence_s,
            forget_after_s=settings.camera_idle_s,
        )
        self._health = HealthServer(settings.http_host, settings.http_port, registry, self._live, self._ready)
        self._ticks: asyncio.Task[None] | None = None

    @property
    def http_port(self) -> int:
        """Where /metrics, /live and /ready are."""
        return self._health.port

    def why_not_ready(self) -> str | None:
        """None once frames are recognised as they come, else what is waited for."""
        return self._ready()

    async def start(self) -> None:
        """Begin to read the views and join the group. Returns while that is under way: see `why_not_ready`."""
        await self._health.start()
        await (self._features if self._snapshots is None else self._snapshots).start()
        for view in (self._visits, self._answers):
            await view.start()
        await self._engine.start()
        self._ticks = asyncio.create_task(self._tick())

    async def ended(self) -> None:
        """Wait until the worker cannot go on; raises what ended it."""
        crashed = asyncio.create_task(self._engine.ended())
        try:
            await asyncio.wait({self._fatal, crashed}, return_when=asyncio.FIRST_COMPLETED)
            if self._fatal.done():
                self._fatal.result()
            await crashed
        finally:
            crashed.cancel()

    async def stop(self) -> None:
        """Finish what is in flight, commit, leave the group, close everything."""
        if self._ticks is not None:
            self._ticks.cancel()
        await self._engine.stop()
        if self._snapshots is not None:
            await self._snapshots.stop()
        for view in self._views:
            await view.stop()
        await self._health.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._scratch.cleanup()

    @property
    def _views(self) -> tuple[View, ...]:
        return self._features, self._visits, self._answers

    def _view(self, short: str, apply: Callable[[Any], object]) -> View:
        return View(self._topics.name(short), self._settings.connection(), apply)

    def _make_snapshots(self, known: GalleryView, epoch: str) -> Snapshots | None:
        if self._settings.snapshot_dir is None:
            return None
        keys = " ".join(info.id for info in known.keys.list_keys())  # another key may open what was refused
        return Snapshots(
            directory=self._settings.snapshot_dir / self._settings.account,
            key=known.keys.snapshot_key(),
            known=known,
            view=self._features,
            source=f"{self._features.topic} {epoch} {keys}",
            max_age_ms=int(self._topics.spec(FACE_FEATURES).config["delete.retention.ms"]) // 2,
            clock_ms=now_ms,
            fatal=self._end,
        )

    def _group(self) -> GroupSettings:
        settings = self._settings
        return GroupSettings(
            group_id=f"{settings.prefix}.{settings.account}.workers",
            session_timeout_s=settings.session_timeout_s,
            rebalance_timeout_s=settings.rebalance_timeout_s,
            heartbeat_s=settings.heartbeat_s,
            commit_interval_s=settings.commit_interval_s,
            max_record_bytes=settings.max_picture_bytes + 128 * 1024,
            data_dir=Path(self._scratch.name),
        )

    def _assigned(self, partitions: Collection[tuple[str, int]], generation: int) -> None:
        self._lanes.assigned(partitions, generation)
        frames = self._topics.name(CAMERA_FRAMES)
        self._silence.assigned({partition for topic, partition in partitions if topic == frames})

    async def _views_ready(self) -> None:
        for view in self._views:
            await view.ready()

    def _live(self) -> str | None:
        return "stopping" if self._engine.should_stop or self._fatal.done() else None

    def _ready(self) -> str | None:
        waiting = [view.topic for view in self._views if not view.is_ready]
        if waiting:
            return f"reading {', '.join(waiting)}"
        if self._features.age_s > STALE_VIEW_S:
            return f"the gallery has not heard of the broker for {self._features.age_s:.0f} s"
        return self._engine.why_not_ready()

    def _end(self, error: BaseException) -> None:
        if not self._fatal.done():
            self._fatal.set_exception(error)

    async def _tick(self) -> None:
        """Once a second: end silent cameras' visits, write summed errors, keep indexes and gauges current."""
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self._silence.look()
                self._lanes.expire(self._settings.camera_idle_s)
                await self._write_sums()
                self._gauge()
                await asyncio.to_thread(self._vision.galleries.rebuild)
            except Exception as error:  # noqa: BLE001  a tick that fails is a bug: end the worker, not silently
                self._end(error)

    async def _write_sums(self) -> None:
        outputs = self._journal.sums_due()
        if outputs:
            outlet = Outlet(
                self._engine.send,
                self._lease,
                self._lease.generation,
                timeout_s=self._settings.publish_timeout_s,
            )
            await outlet.publish(outputs)

    def _gauge(self) -> None:
        galleries = self._vision.galleries
        for name in galleries.names():
            gallery = galleries.get(name)
            self._metrics.gallery(name, persons=len(gallery.persons()), features=len(gallery))
        self._metrics.state(view_age_s=self._features.age_s, in_flight=self._lanes.in_flight)
