"""Sightings: a camera's visits are kept with its lane, handed on through the topic visits, and said on sightings.

Order of writing: visits (the new state, and the transitions that it caused), then sightings. A worker that
dies in between leaves the transitions in visits, and the camera's next owner says them again under the same
ids. So none is lost, and a named visit never splits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.types import Face
from streams.agents.cameras import visits as book
from streams.agents.cameras.visits import FrameOf, Knows, Reason, Visits, VisitSettings
from streams.engine.outlet import Outlet, Output
from streams.engine.reading.view import View
from streams.wire import records
from streams.wire.event_id import EventId
from streams.wire.headers import Deployment
from streams.wire.partitioning import partition_of
from streams.wire.records import OpenVisits, Sighting
from streams.wire.topics import CAMERA_FRAMES, SIGHTINGS, VISITS, Topics


class VisitsView:
    """The newest record of each camera on the topic visits.

    partitions: of the topic; what stands in another one than its key determines is nobody's, since its order is.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._newest: dict[str, OpenVisits] = {}

    def apply(self, record: Any) -> None:
        """Take one record of the topic. Raises ValueError, and changes nothing, if it holds visits that are astray.

        A tombstone that is astray erases what is: it says nothing of the camera.
        """
        if record.key is None:
            return
        is_astray = partition_of(record.key, self._partitions) != record.partition
        if record.value is None:
            if not is_astray:
                self._newest.pop(record.key.decode(), None)
        elif record.value:
            found = records.decode(record.value, OpenVisits)
            if found.camera_id.encode() != record.key:
                raise ValueError("the visits of a camera stand under another's key")
            if is_astray:
                raise ValueError("the visits of a camera stand in another's partition")
            self._newest[found.camera_id] = found

    def of(self, camera_id: str) -> OpenVisits | None:
        """The camera's newest record."""
        return self._newest.get(camera_id)

    def all(self) -> list[OpenVisits]:
        """Of all cameras."""
        return list(self._newest.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """Keeps and publishes the visits of all cameras of this worker.

    epoch: of camera-frames.
    """

    topics: Topics
    deployment: Deployment
    epoch: str
    settings: VisitSettings
    newest: VisitsView
    view: View
    knows: Knows

    async def take_over(self, camera_id: str, outlet: Outlet) -> Visits:
        """The visits that the camera's last owner left. Says its last transitions again, ends its unknowns."""
        await self.view.catch_up()
        left = self.newest.of(camera_id)
        if left is None or left.epoch != self.epoch:
            return Visits()
        again = [book.unnamed_if_forgotten(sighting, self.knows) for sighting in left.transitions]
        await outlet.publish([self._output(sighting) for sighting in again])
        before = Visits(left.offset, self._ref(left), tuple(left.visits))
        return await self._end(before, left.partition, camera_id, outlet, "handover", unknown_only=True)

    async def see(
        self, before: Visits, faces: Sequence[Face], frame: FrameOf, partition: int, outlet: Outlet
    ) -> Visits:
        """The visits after a frame, published."""
        after, said = book.advance(before, faces, frame, self.settings, self.knows)
        await self._publish(after, said, partition, frame.camera_id, outlet)
        return after

    async def fall_silent(self, before: Visits, partition: int, camera_id: str, outlet: Outlet) -> Visits:
        """End all visits of a camera that sends nothing any more."""
        return await self._end(before, partition, camera_id, outlet, "silent", unknown_only=False)

    async def unname(self, before: Visits, partition: int, camera_id: str, outlet: Outlet) -> Visits:
        """End the visits of those whom the gallery does not know any more, and name nobody of them on the topic."""
        after, said = book.end_all(
            before, camera_id, self.deployment, "forgotten", only=lambda visit: False, knows=self.knows
        )
        await self._write(after, said, partition, camera_id, outlet)
        return after

    async def forget(self, camera_id: str, outlet: Outlet) -> None:
        """Forget a camera that has no open visit."""
        await outlet.publish([Output(topic=self.topics.name(VISITS), key=camera_id.encode(), value=None)])

    async def _end(
        self, before: Visits, partition: int, camera_id: str, outlet: Outlet, reason: Reason, *, unknown_only: bool
    ) -> Visits:
        after, said = book.end_all(
            before,
            camera_id,
            self.deployment,
            reason,
            only=lambda visit: not unknown_only or visit.person_id is None,
            knows=self.knows,
        )
        await self._publish(after, said, partition, camera_id, outlet)
        return after

    async def _publish(
        self, after: Visits, said: Sequence[Sighting], partition: int, camera_id: str, outlet: Outlet
    ) -> None:
        if said:
            await self._write(after, said, partition, camera_id, outlet)

    async def _write(
        self, after: Visits, said: Sequence[Sighting], partition: int, camera_id: str, outlet: Outlet
    ) -> None:
        state = book.record(after, camera_id, self.epoch, partition, said)
        await outlet.publish(
            [Output(topic=self.topics.name(VISITS), key=camera_id.encode(), value=records.encode(state))]
        )
        await outlet.publish([self._output(sighting) for sighting in said])

    def _output(self, sighting: Sighting) -> Output:
        return Output(
            topic=self.topics.name(SIGHTINGS), key=sighting.camera_id.encode(), value=records.encode(sighting)
        )

    def _ref(self, left: OpenVisits) -> str:
        return str(EventId(left.epoch, CAMERA_FRAMES, left.partition, left.offset))
