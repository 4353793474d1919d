"""Cameras that fell silent: their visits are ended, since no frame will; in the end the camera is forgotten."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.agents.cameras.recognition import CameraLane
from streams.agents.cameras.sightings import Sightings
from streams.engine.lanes.lane import Job, Lane, Place
from streams.engine.lanes.lanes import Lanes
from streams.engine.outlet import Outlet
from streams.wire.records import OpenVisits
from streams.wire.topics import CAMERA_FRAMES


@dataclass(slots=True, kw_only=True)
class Silence:
    """Looks now and then for cameras of ours without frames.

    hears: whether the broker has just said what it has of a topic's partition; a time in which it says
        nothing is no camera's silence.
    caught_up: whether all that the broker has of a topic's partition was read; as long as frames wait
        there, no camera is silent.
    after_s: without a frame for so long, a camera's visits end.
    forget_after_s: without a frame for so long, its state goes, on the topic visits too: ids of cameras are the
        sender's, and must not add up.
    """

    sightings: Sightings
    lanes: Lanes
    hears: Callable[[str, int], bool]
    caught_up: Callable[[str, int], bool]
    after_s: float
    forget_after_s: float
    clock: Callable[[], float] = time.monotonic
    _watched_since: dict[int, float] = field(default_factory=dict)

    def assigned(self, partitions: set[int]) -> None:
        """These partitions of camera-frames are ours now. A camera is silent only after a time under our eyes."""
        self._watched_since = {partition: self.clock() for partition in partitions}

    def look(self) -> None:
        """Set to work what is due: the end of visits, the forgetting of cameras."""
        for partition in self._watched_since:
            if not self.hears(self._topic, partition):
                self._watched_since[partition] = self.clock()
        for left in self.sightings.newest.all():
            idle_s = self._idle_s(left)
            outdated = left.epoch != self.sightings.epoch  # of a topic that has been made anew since
            if left.visits and not outdated and idle_s >= self.after_s:
                self.lanes.enqueue(self._place(left), self._end_visits(left))
            elif (outdated or not left.visits) and idle_s >= self.forget_after_s:
                self.lanes.enqueue(self._place(left), self._forget(left))

    def _idle_s(self, left: OpenVisits) -> float:
        """How long the camera has certainly sent nothing; below zero where that cannot be said."""
        since = self._watched_since.get(left.partition)
        if since is None:
            return -1.0
        lane = self.lanes.find(self._place(left))
        if lane is not None:
            if not lane.idle:
                return -1.0
            since = max(since, lane.last_active)
        return self.clock() - since if self.caught_up(self._topic, left.partition) else -1.0

    def _end_visits(self, left: OpenVisits) -> Job:
        async def end(lane: Lane, outlet: Outlet) -> None:
            state = lane.state
            if isinstance(state, CameraLane):
                state.visits = await self.sightings.fall_silent(state.visits, left.partition, left.camera_id, outlet)
                return
            visits = await self.sightings.take_over(left.camera_id, outlet)
            await self.sightings.fall_silent(visits, left.partition, left.camera_id, outlet)

        return end

    def _forget(self, left: OpenVisits) -> Job:
        async def forget(lane: Lane, outlet: Outlet) -> None:
            await self.sightings.forget(left.camera_id, outlet)
            lane.state = None

        return forget

    def _place(self, left: OpenVisits) -> Place:
        return self._topic, left.partition, left.camera_id.encode()

    @property
    def _topic(self) -> str:
        return self.sightings.topics.name(CAMERA_FRAMES)
