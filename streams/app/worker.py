"""One worker: views, agents, lanes and the engine, started in the order in which they need each other."""

import asyncio
import os
import sys
from collections.abc import Collection
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from streams.agents.cameras.jumps import Jumps
from streams.agents.cameras.silence import Silence
from streams.agents.pool import Pool
from streams.app.agents import AgentMaker
from streams.app.clock import now_ms
from streams.app.deletions import Deletions
from streams.app.group import group_settings
from streams.app.purging import Purging
from streams.app.views import Views
from streams.app.vision import Vision
from streams.engine.brokers import BROKERS
from streams.engine.fenced import FencedOutlet, FencedProducers
from streams.engine.group.transport import Engine
from streams.engine.lanes.lanes import Lanes
from streams.engine.lease import Lease
from streams.engine.outlet import DirectOutlet, Outlet
from streams.engine.request import Request
from streams.engine.topics.reached import INPUTS, Reached, check
from streams.monitor.health import HealthServer
from streams.monitor.metrics import Metrics
from streams.settings import Settings
from streams.wire.codes import Code
from streams.wire.rights import transactional_id
from streams.wire.topics import CAMERA_FRAMES, CONTROL, ERROR_LOG, FACE_FEATURES, GALLERY_COMMANDS

_log = structlog.get_logger(__name__)

TICK_S: Final = 1.0
LAST_WORDS_S: Final = 3.0


class StartError(Exception):
    """A worker cannot start where it is told to; the message is one line for the operator."""


def cores() -> int:
    """Processors that this process may use; all of the machine's where the system does not tell (macOS)."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Worker:
    """A member of the consumer group.

    Made inside a running event loop, from settings, what recognises, and the input topics' epochs.
    """

    def __init__(self, settings: Settings, vision: Vision, epochs: dict[str, str]) -> None:
        self._settings = settings
        self._galleries = vision.galleries
        self._frames = settings.topics().name(CAMERA_FRAMES)
        registry = CollectorRegistry()
        self._metrics = Metrics(registry)
        self._fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._scratch = TemporaryDirectory(prefix="facestreams-")
        self._pool = Pool(settings.threads or cores(), timeout_s=settings.recognition_timeout_s, fatal=self._end)
        self._views = Views(
            settings,
            vision,
            epoch=epochs[FACE_FEATURES],
            refused=self._refused,
            fatal=self._end,
        )
        self._agents = AgentMaker(
            settings, vision, self._views, epochs=epochs, pool=self._pool, metrics=self._metrics
        ).make()
        self._lease = Lease(
            session_timeout_s=settings.session_timeout_s,
            rebalance_timeout_s=settings.rebalance_timeout_s,
            answered=self._metrics.heartbeat_answered,
        )
        self._metrics.watch_heartbeats(lambda: self._lease.silence_s)
        group = group_settings(settings, Path(self._scratch.name))
        # what was acknowledged is summed on error-log, what was read noted on control, whoever owns the partition now
        unleased = {settings.topics().name(short) for short in (ERROR_LOG, CONTROL)}
        self._engine = Engine(group, settings.connection(), self._lease, self._assigned, unleased=unleased)
        self._engine.before_end(self._write_rest)
        self._fenced = FencedProducers(
            settings.connection(),
            partial(transactional_id, settings.topics()),
            max_record_bytes=settings.topics().max_record_bytes,
        )
        self._lanes = self._make_lanes()
        self._reached = Reached(settings.topics(), epochs, now_ms)
        self._jumps = self._make_jumps(epochs)
        self._purging = Purging(
            settings, send=self._engine.send, lease=self._lease, metrics=self._metrics, fatal=self._end
        )
        self._silence = Silence(
            sightings=self._agents.sightings,
            lanes=self._lanes,
            hears=self._engine.hears,
            caught_up=self._caught_up,
            after_s=settings.silence_s,
            forget_after_s=settings.camera_idle_s,
        )
        self._deletions = Deletions(
            settings, self._views, self._agents.sightings, self._lanes, self._metrics, epoch=epochs[GALLERY_COMMANDS]
        )
        self._health = HealthServer(
            settings.http_host, settings.http_port, registry, self._why_not_live, self.why_not_ready
        )
        self._ticks: asyncio.Task[None] | None = None

    @property
    def http_port(self) -> int:
        """Where /metrics, /live and /ready are."""
        return self._health.port

    def why_not_ready(self) -> str | None:
        """None once frames are recognised as they come, else what is waited for."""
        return self._views.why_not_ready() or self._engine.why_not_ready()

    async def start(self) -> None:
        """Begin to read the views and join the group. Returns while that is under way: see `why_not_ready`.

        Raises StartError, and KafkaError where the broker is away.
        """
        try:
            await self._health.start()
        except OSError as error:
            where = f"{self._settings.http_host}:{self._settings.http_port}"
            raise StartError(f"FACESTREAMS_HTTP_PORT: {where} cannot be listened on: {error.strerror}") from error
        await self._views.start()
        await self._engine.start()
        self._ticks = asyncio.create_task(self._tick())
        self._purging.start()

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
        """Finish what is in flight, commit, leave the group, close everything, whatever fails on the way."""
        if self._ticks is not None:
            self._ticks.cancel()
        async with AsyncExitStack() as closing:
            closing.callback(self._scratch.cleanup)
            closing.callback(self._pool.close)
            closing.push_async_callback(self._health.stop)
            closing.push_async_callback(self._views.stop)
            closing.push_async_callback(self._fenced.stop)
            await self._purging.stop()  # it writes through the engine
            await self._engine.stop()

    def _make_lanes(self) -> Lanes:
        settings, commands = self._settings, self._settings.topics().name(GALLERY_COMMANDS)
        lanes = Lanes(
            {self._frames: self._agents.recognition, commands: self._agents.enrollment},
            outlet=self._outlet,
            lease=self._lease,
            acknowledge=self._engine.acknowledge,
            abandon=self._engine.abandon,
            fatal=self._end,
            max_in_flight=settings.max_in_flight,
            max_lanes=settings.max_cameras,
        )
        self._engine.on_requests((self._frames, commands), self._views.ready, self._take)
        self._engine.read_behind(lanes)
        return lanes

    def _outlet(self, topic: str, partition: int, generation: int) -> Outlet:
        """What follows from a gallery command must not come out late: the broker keeps former owners from it."""
        timeout_s = self._settings.publish_timeout_s
        if topic == self._frames or not BROKERS[self._settings.broker].transactions:
            return DirectOutlet(self._engine.send, self._lease, generation, timeout_s=timeout_s)
        return FencedOutlet(self._fenced.of(partition), self._lease, generation, timeout_s=timeout_s)

    def _make_jumps(self, epochs: dict[str, str]) -> Jumps:
        connection, topics = self._settings.connection(), self._settings.topics()
        jumps = Jumps(
            shorts={topics.name(short): short for short in INPUTS},
            epochs=epochs,
            journal=self._agents.journal,
            reached=self._reached,
            enqueue=self._lanes.enqueue,
            skip=self._engine.skip,
            check=lambda: check(connection, topics, epochs),
            expired=self._metrics.expired,
            fatal=self._end_unpublished,
        )
        self._engine.on_jumps(jumps.jumped)
        return jumps

    async def _take(self, request: Request) -> None:
        await self._jumps.settled()
        self._reached.arrived(request)
        self._purging.arrived(request)
        await self._lanes.submit(request)

    def _assigned(self, partitions: Collection[tuple[str, int]], generation: int) -> None:
        self._lanes.assigned(partitions, generation)
        self._reached.assigned(partitions)
        self._purging.assigned(partitions)
        self._deletions.assigned(partitions)
        self._silence.assigned({partition for topic, partition in partitions if topic == self._frames})

    def _caught_up(self, topic: str, partition: int) -> bool:
        return self._engine.caught_up(topic, partition) and not self._lanes.waits(topic, partition)

    def _refused(self, short: str, code: Code) -> None:
        """A record of a topic of ours could not be used."""
        self._metrics.record_refused(code)
        self._agents.journal.view_refused(short, code)

    def _why_not_live(self) -> str | None:
        return "stopping" if self._engine.should_stop or self._fatal.done() else None

    def _end(self, error: BaseException) -> None:
        if not self._fatal.done():
            self._fatal.set_exception(error)

    def _end_unpublished(self, error: BaseException) -> None:
        """End, and let nothing out before."""
        self._lease.give_up()
        self._end(error)

    async def _tick(self) -> None:
        """Once a second: what no request sets off."""
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self._silence.look()
                self._deletions.look()
                self._lanes.expire(self._settings.camera_idle_s)
                await self._agents.journal.write_sums(self._engine.send)
                if self._lease.valid:  # a broker that is away would hold up what comes after
                    await self._reached.write(self._engine.send)
                    await self._deletions.write(self._engine.send)
                self._gauge()
                await asyncio.to_thread(self._galleries.rebuild)
            except Exception as error:  # noqa: BLE001  a tick that fails is a bug: end the worker, not silently
                self._end(error)

    async def _write_rest(self) -> None:
        """What is summed of errors would go with the worker; a broker that is away cannot hold it up for long.

        The last snapshot comes before the last word of what this worker still holds.
        """
        await self._views.finish()
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._agents.journal.write_rest(self._engine.send)
                await self._reached.write_rest(self._engine.send)
                await self._deletions.end(self._engine.send)
        except TimeoutError:
            _log.warning("last records to error-log and control were not written", after_s=LAST_WORDS_S)

    def _gauge(self) -> None:
        for name in self._galleries.names():
            gallery = self._galleries.get(name)
            self._metrics.gallery(name, persons=gallery.size, features=len(gallery))
        self._purging.gauge()
        self._metrics.stuck(self._pool.stuck)
        self._metrics.state(view_age_s=self._views.gallery.age_s, in_flight=self._lanes.in_flight)
