"""Which lanes there are: those of our partitions that had work lately, and no more than there may be."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator

from streams.engine.lanes.lane import Lane, Place
from streams.engine.lanes.waiting import Partition


class LaneTable:
    """Lanes by their place, least recently used first.

    max_lanes: above it the idle lane that is used least recently goes for each new one.
    """

    def __init__(self, max_lanes: int, clock: Callable[[], float]) -> None:
        self._max_lanes = max_lanes
        self._clock = clock
        self._lanes: OrderedDict[Place, Lane] = OrderedDict()

    def __iter__(self) -> Iterator[Lane]:
        """The lanes, least recently used first."""
        return iter(tuple(self._lanes.values()))

    def find(self, place: Place) -> Lane | None:
        """The lane of this place, if there is one."""
        return self._lanes.get(place)

    def use(self, place: Place) -> Lane:
        """The lane of this place, made if there is none; it counts as used now."""
        lane = self._lanes.get(place)
        if lane is None:
            self._make_room()
            lane = self._lanes[place] = Lane(place, self._clock())
        self._lanes.move_to_end(place)
        lane.last_active = self._clock()
        return lane

    def keep(self, partitions: Collection[Partition]) -> None:
        """Forget the lanes of all other partitions."""
        for place in [place for place in self._lanes if place[:2] not in partitions]:
            del self._lanes[place]

    def expire(self, idle_s: float) -> None:
        """Forget the lanes that had no work for so long."""
        since = self._clock() - idle_s
        for place in [place for place, lane in self._lanes.items() if lane.idle and lane.last_active < since]:
            del self._lanes[place]

    def _make_room(self) -> None:
        if len(self._lanes) >= self._max_lanes:
            oldest = next((place for place, lane in self._lanes.items() if lane.idle), None)
            if oldest is not None:
                del self._lanes[oldest]
