"""What is read, on its way through the lanes to the agents, and what goes with the partitions that are ours."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

from streams.agents.cameras.jumps import Jumps
from streams.agents.cameras.silence import Silence
from streams.app.agents import Agents
from streams.app.clock import now_ms
from streams.app.deletions import Deletions
from streams.app.group import group_settings
from streams.app.purging import Purging
from streams.app.views import Views
from streams.engine.brokers import BROKERS
from streams.engine.fenced import FencedOutlet, FencedProducers
from streams.engine.group.transport import Engine
from streams.engine.lanes.lanes import Lanes
from streams.engine.lease import Lease
from streams.engine.outlet import DirectOutlet, Outlet
from streams.engine.request import Request
from streams.engine.topics.reached import INPUTS, Reached, check
from streams.monitor.metrics import Metrics
from streams.settings import Settings
from streams.wire.rights import transactional_id
from streams.wire.topics import CAMERA_FRAMES, CONTROL, ERROR_LOG, GALLERY_COMMANDS


class Intake:
    """Of one worker. The engine starts and ends it; who starts the engine starts `purging` as well."""

    def __init__(
        self,
        settings: Settings,
        agents: Agents,
        views: Views,
        metrics: Metrics,
        *,
        epochs: dict[str, str],
        data_dir: Path,
        fatal: Callable[[BaseException], object],
    ) -> None:
        """epochs: of the input topics, by short name. data_dir: as of `group_settings`."""
        self._settings = settings
        self._topics = settings.topics()
        self._connection = settings.connection()
        self._agents = agents
        self._fatal = fatal
        self._frames = self._topics.name(CAMERA_FRAMES)
        self.lease = Lease(
            session_timeout_s=settings.session_timeout_s,
            rebalance_timeout_s=settings.rebalance_timeout_s,
            answered=metrics.heartbeat_answered,
        )
        metrics.watch_heartbeats(lambda: self.lease.silence_s)
        # what was acknowledged is summed on error-log, what was read noted on control, whoever owns the partition now
        unleased = {self._topics.name(short) for short in (ERROR_LOG, CONTROL)}
        group = group_settings(settings, data_dir)
        self.engine = Engine(group, self._connection, self.lease, self._assigned, unleased=unleased)
        self._fenced = FencedProducers(
            self._connection,
            partial(transactional_id, self._topics),
            max_record_bytes=self._topics.max_record_bytes,
        )
        self.lanes = self._make_lanes(views)
        self.reached = Reached(self._topics, epochs, now_ms)
        self._jumps = self._make_jumps(epochs, metrics)
        self.purging = Purging(settings, send=self.engine.send, lease=self.lease, metrics=metrics, fatal=fatal)
        self.silence = Silence(
            sightings=agents.sightings,
            lanes=self.lanes,
            hears=self.engine.hears,
            caught_up=self._caught_up,
            after_s=settings.silence_s,
            forget_after_s=settings.camera_idle_s,
        )
        self.deletions = Deletions(
            settings, views, agents.sightings, self.lanes, metrics, epoch=epochs[GALLERY_COMMANDS]
        )

    async def close(self) -> None:
        """Let go of what the engine does not close itself."""
        self._jumps.stop()
        await self._fenced.stop()

    def _make_lanes(self, views: Views) -> Lanes:
        commands = self._topics.name(GALLERY_COMMANDS)
        lanes = Lanes(
            {self._frames: self._agents.recognition, commands: self._agents.enrollment},
            outlet=self._outlet,
            lease=self.lease,
            acknowledge=self.engine.acknowledge,
            abandon=self.engine.abandon,
            fatal=self._fatal,
            max_in_flight=self._settings.max_in_flight,
            max_lanes=self._settings.max_cameras,
        )
        self.engine.on_requests((self._frames, commands), views.ready, self._take)
        self.engine.read_behind(lanes)
        return lanes

    def _outlet(self, topic: str, partition: int, generation: int) -> Outlet:
        """What follows from a gallery command must not come out late: the broker keeps former owners from it."""
        timeout_s = self._settings.publish_timeout_s
        if topic == self._frames or not BROKERS[self._settings.broker].transactions:
            return DirectOutlet(self.engine.send, self.lease, generation, timeout_s=timeout_s)
        return FencedOutlet(self._fenced.of(partition), self.lease, generation, timeout_s=timeout_s)

    def _make_jumps(self, epochs: Mapping[str, str], metrics: Metrics) -> Jumps:
        jumps = Jumps(
            shorts={self._topics.name(short): short for short in INPUTS},
            epochs=epochs,
            journal=self._agents.journal,
            reached=self.reached,
            enqueue=self.lanes.enqueue,
            skip=self.engine.skip,
            check=partial(self._check_ends, epochs),
            expired=metrics.expired,
            fatal=self._end_unpublished,
        )
        self.engine.on_jumps(jumps.jumped)
        return jumps

    async def _take(self, request: Request) -> None:
        await self._jumps.settled()
        self.reached.arrived(request)
        self.purging.arrived(request)
        await self.lanes.submit(request)

    def _assigned(self, partitions: Collection[tuple[str, int]], generation: int) -> None:
        self.lanes.assigned(partitions, generation)
        self.reached.assigned(partitions)
        self._jumps.assigned()
        self.purging.assigned(partitions)
        self.deletions.assigned(partitions)
        self.silence.assigned({partition for topic, partition in partitions if topic == self._frames})

    async def _check_ends(self, epochs: Mapping[str, str]) -> None:
        """As `reached.check`; an end that lies within the last batch says nothing."""
        if BROKERS[self._settings.broker].exact_ends:
            await check(self._connection, self._topics, epochs, self.reached.read())

    def _caught_up(self, topic: str, partition: int) -> bool:
        return self.engine.caught_up(topic, partition) and not self.lanes.waits(topic, partition)

    def _end_unpublished(self, error: BaseException) -> None:
        """End, and let nothing out before."""
        self.lease.give_up()
        self._fatal(error)
