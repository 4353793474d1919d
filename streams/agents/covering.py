"""Which enrollments a deletion covers: those whose commands were appended before it."""

from contextlib import suppress
from dataclasses import dataclass

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
        with suppress(ValueError):
            ours, its = EventId.parse(self.event_id), EventId.parse(erasure.event_id)
            if (ours.epoch, ours.topic, ours.partition) == (its.epoch, its.topic, its.partition):
                return ours.offset < its.offset
        return self.requested_at_ms <= erasure.requested_at_ms
