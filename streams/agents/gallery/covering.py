"""Which enrollments a deletion covers: those in its scope whose commands were appended before it."""

from dataclasses import dataclass
from functools import lru_cache

from streams.wire.event_id import EventId
from streams.wire.records import Erasure


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Which command made a person known. event_id: its event id; empty where the record does not say."""

    event_id: str
    requested_at_ms: int

    def before(self, erasure: Erasure) -> bool:
        """Whether it was asked for before the deletion was.

        In one partition of one topic the offset says so; between two of them the broker's time, and what bears the
        very time of the deletion goes with it.
        """
        ours, its = _parsed(self.event_id), _parsed(erasure.event_id)
        if ours is not None and its is not None and _line(ours) == _line(its):
            return ours.offset < its.offset
        return self.requested_at_ms <= erasure.requested_at_ms


def may_cover(erasure: Erasure, gallery: str) -> bool:
    """Whether what stands in this gallery may be in its scope, whosever it is.

    The deletion of a person that names no gallery reaches every gallery.
    """
    if erasure.scope == "gallery":
        return erasure.gallery == gallery
    return erasure.scope == "account" or erasure.gallery in (None, gallery)


@lru_cache(maxsize=10_000)  # the same few deletions are asked about for every person
def _parsed(event_id: str) -> EventId | None:
    try:
        return EventId.parse(event_id)
    except ValueError:
        return None


def _line(event: EventId) -> tuple[str, str, int]:
    return event.epoch, event.topic, event.partition
