"""Which requests were processed so long ago that nothing of them may lie on the disks any more."""

from contextlib import suppress
from typing import Final

from streams.audit.facts import Facts, Place
from streams.audit.limits import picture_bound_ms
from streams.wire.event_id import EventId
from streams.wire.records import RunningLogEntry

COMMITTED_WITHIN_MS: Final = 5_000
"""An entry stands in the running log a moment before its request counts as processed."""


class Processed:
    """Fed with the running log, which says when a request was processed.

    bound_ms: how long a processed one may stay on the disks; None where the settings leave it open: then none is due.
    """

    def __init__(self, facts: Facts) -> None:
        self.bound_ms = picture_bound_ms(facts)
        self._facts = facts
        self._young: dict[Place, int] = {}

    def take(self, entry: RunningLogEntry) -> None:
        """One request."""
        if self.bound_ms is None or entry.accessed_at_ms < self._facts.now_ms - self.bound_ms - COMMITTED_WITHIN_MS:
            return
        with suppress(ValueError):
            event = EventId.parse(entry.event_id)
            place = (event.topic, event.partition)
            self._young[place] = min(event.offset, self._young.get(place, event.offset))

    def due(self, place: Place) -> int:
        """Below this offset all was processed longer ago than the bound."""
        positions = self._facts.positions.get(place)
        if self.bound_ms is None or positions is None or positions.committed is None:
            return 0
        return min(positions.committed, self._young.get(place, positions.committed))
