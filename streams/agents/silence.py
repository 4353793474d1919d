"""Cameras that fell silent: their visits are ended, since no frame will end them."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from streams.agents.recognition import CameraLane
from streams.agents.sightings import Sightings
from streams.engine.lanes import Lane, Lanes
from streams.engine.outlet import Outlet
from streams.wire.records import OpenVisits
from streams.wire.topics import CAMERA_FRAMES


@dataclass(slots=True, kw_only=True)
class Silence:
    """Looks now and then for cameras of ours with open visits and without frames.

    caught_up: whether all that the broker has of a topic's partition was read; as long as frames wait
        there, no camera is silent.
    after_s: how long no frame must have come.
    """

    sightings: Sightings
    lanes: Lanes
    caught_up: Callable[[str, int], bool]
    after_s: float
    clock: Callable[[], float] = time.monotonic
    _assigned_at: dict[int, float] = field(default_factory=dict)

    def assigned(self, partitions: set[int]) -> None:
        """These partitions of camera-frames are ours now. A camera is silent only after a time under our eyes."""
        self._assigned_at = {partition: self.clock() for partition in partitions}

    def look(self) -> None:
        """Set the end of the visits of every silent camera to work."""
        for left in self.sightings.newest.with_open_visits():
            if self._is_silent(left):
                self.lanes.enqueue(self._place(left), self._job(left))

    def _is_silent(self, left: OpenVisits) -> bool:
        since = self._assigned_at.get(left.partition)
        if since is None or left.epoch != self.sightings.epoch:
            return False
        lane = self.lanes.find(self._place(left))
        if lane is not None:
            since = max(since, lane.last_active)
        silent = self.clock() - since >= self.after_s and (lane is None or lane.idle)
        return silent and self.caught_up(self._topic, left.partition)

    def _job(self, left: OpenVisits) -> Callable[[Lane, Outlet], Awaitable[None]]:
        async def end(lane: Lane, outlet: Outlet) -> None:
            state = lane.state
            if isinstance(state, CameraLane):
                state.visits = await self.sightings.fall_silent(state.visits, left.partition, left.camera_id, outlet)
                return
            visits = await self.sightings.take_over(left.camera_id, outlet)
            await self.sightings.fall_silent(visits, left.partition, left.camera_id, outlet)

        return end

    def _place(self, left: OpenVisits) -> tuple[str, int, bytes]:
        return self._topic, left.partition, left.camera_id.encode()

    @property
    def _topic(self) -> str:
        return self.sightings.topics.name(CAMERA_FRAMES)
