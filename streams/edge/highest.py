"""How a consumer keeps each record once and in order, though delivery is at least once.

After a worker is killed, its successor starts again at the last committed frame: the camera's records
appear a second time, older ones after newer ones. First occurrences are always in order. So it is enough
to keep the highest input offset of each camera, and to drop what is not above it.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field

from streams.wire.event_id import EventId


@dataclass(slots=True)
class _Place:
    epoch: str
    partition: int
    offset: int
    kinds: set[Hashable] = field(default_factory=set)


class HighestOffsets:
    """The highest input offset of each camera; grows with the number of cameras."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}

    def admits(self, camera_id: str, event_id: str, kind: Hashable = None) -> bool:
        """Whether this record is new; it is remembered if so.

        kind: tells apart the records that one frame may leave on a topic (two people who enter at
        once). Raises ValueError if `event_id` is none. A camera whose input topic was made anew (another
        epoch) starts anew.
        """
        found = EventId.parse(event_id)
        place = self._places.get(camera_id)
        renewed = place is None or (place.epoch, place.partition) != (found.epoch, found.partition)
        if place is None or renewed or found.offset > place.offset:
            self._places[camera_id] = _Place(found.epoch, found.partition, found.offset, {kind})
            return True
        if found.offset < place.offset or kind in place.kinds:
            return False
        place.kinds.add(kind)
        return True
