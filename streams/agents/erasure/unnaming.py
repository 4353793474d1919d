"""Visits that name somebody whom the gallery does not know any more: they end, whether or not a frame comes."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from streams.agents.cameras.recognition import CameraLane
from streams.agents.cameras.sightings import Sightings
from streams.agents.erasure.leftovers import named_by
from streams.engine.lanes.lane import Lane
from streams.engine.lanes.lanes import Lanes
from streams.engine.outlet import Outlet
from streams.wire.records import OpenVisits
from streams.wire.topics import CAMERA_FRAMES

AGAIN_S: Final = 5.0
"""A camera whose record still names somebody is asked again after this time."""


@dataclass(slots=True, kw_only=True)
class Unnaming:
    """Looks at the cameras of ours once a second.

    is_ready: whether all views have read what there was at the start; a gallery that is not filled knows nobody.
    catch_up: waits until the gallery has read all that there is; one that is behind does not know the newest.
    """

    sightings: Sightings
    lanes: Lanes
    is_ready: Callable[[], bool]
    catch_up: Callable[[], Awaitable[None]]
    clock: Callable[[], float] = time.monotonic
    _ours: frozenset[int] = frozenset()
    _asked_at: dict[str, float] = field(default_factory=dict)

    def assigned(self, partitions: set[int]) -> None:
        """These partitions of camera-frames are ours now."""
        self._ours = frozenset(partitions)
        self._asked_at.clear()

    def look(self) -> None:
        """Set to work what is due."""
        if not self.is_ready():
            return
        naming = {left.camera_id: left for left in self.sightings.newest.all() if self._names_a_stranger(left)}
        self._asked_at = {camera: at for camera, at in self._asked_at.items() if camera in naming}
        for camera_id, left in naming.items():
            if left.partition in self._ours and self._is_due(camera_id):
                self._asked_at[camera_id] = self.clock()
                place = (self.sightings.topics.name(CAMERA_FRAMES), left.partition, camera_id.encode())
                self.lanes.enqueue(place, self._unname(camera_id, left.partition))

    def _is_due(self, camera_id: str) -> bool:
        asked_at = self._asked_at.get(camera_id)
        return asked_at is None or self.clock() - asked_at >= AGAIN_S

    def _names_a_stranger(self, left: OpenVisits) -> bool:
        return any(not self.sightings.knows(*named) for named in named_by(left))

    def _unname(self, camera_id: str, partition: int) -> Callable[[Lane, Outlet], Awaitable[None]]:
        async def unname(lane: Lane, outlet: Outlet) -> None:
            await self.catch_up()
            await self.sightings.view.catch_up()
            left = self.sightings.newest.of(camera_id)
            if left is None or not self._names_a_stranger(left):
                return
            if left.epoch != self.sightings.epoch:  # of a topic that has been made anew since: nobody takes it over
                await self.sightings.forget(camera_id, outlet)
                return
            state = lane.state
            visits = (
                state.visits if isinstance(state, CameraLane) else await self.sightings.take_over(camera_id, outlet)
            )
            visits = await self.sightings.unname(visits, partition, camera_id, outlet)
            if isinstance(state, CameraLane):
                state.visits = visits

        return unname
