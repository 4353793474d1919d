"""The deletions that are under way, as the topic erasures tells them."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from streams.wire import records
from streams.wire.event_id import EventId
from streams.wire.records import Erasure


class PendingErasures:
    """The newest record of every deletion that is not complete; of those that are, when they were asked for.

    erase: told of each record, so that what it covers is matched no more from then on, until it is complete.
    partitions: of face-features; None where that is not known.
    """

    def __init__(self, erase: Callable[[Erasure], object], *, partitions: int | None) -> None:
        self._erase = erase
        self._partitions = partitions
        self._by_event: dict[str, Erasure] = {}
        self._completed: dict[str, int] = {}
        self._accounts: dict[str, Erasure] = {}

    def apply(self, record: Any) -> None:
        """Take one record of the topic. Raises ValueError, and changes nothing, if it is none that a worker writes."""
        if record.value is None:
            self._drop((record.key or b"").decode(errors="replace"))
            return
        erasure = records.decode(record.value, Erasure)
        EventId.parse(erasure.event_id)  # says whose it is
        # of one that is complete, face-features may have had more when it was made before; it stands there for good
        _check_partitions(erasure.reached, None if erasure.state == "completed" else self._partitions)
        _check_partitions(erasure.waits_for, None)  # gallery-commands may have had more when it was made before
        self._erase(erasure)
        if erasure.state != "completed":
            self._by_event[erasure.event_id] = erasure
            return
        self._by_event.pop(erasure.event_id, None)
        self._completed[erasure.event_id] = erasure.requested_at_ms
        if erasure.scope == "account":
            self._accounts[erasure.event_id] = erasure

    def __len__(self) -> int:
        """How many are under way, whoever drives them."""
        return len(self._by_event)

    def all(self) -> list[Erasure]:
        """All of them, the oldest first."""
        return sorted(self._by_event.values(), key=lambda each: (each.requested_at_ms, each.event_id))

    def newest(self, event_id: str) -> Erasure | None:
        """How far this one has come; None where it is complete or unknown."""
        return self._by_event.get(event_id)

    def of(self, partition: int, partitions: int) -> list[Erasure]:
        """Those whose command came by this partition of gallery-commands, the oldest first.

        partitions: how many it has; it may have had more when it was made before.
        """
        return [each for each in self.all() if EventId.parse(each.event_id).partition % partitions == partition]

    def completed_before(self, erasure: Erasure) -> list[str]:
        """Event ids of the complete ones that were asked for before this one was."""
        asked_at_ms = erasure.requested_at_ms
        return [event_id for event_id, at_ms in self._completed.items() if at_ms <= asked_at_ms]

    def containing(self, erasure: Erasure) -> Erasure | None:
        """The account's deletion that is complete and was asked for later: nothing is left of what this one covers."""
        return next((each for each in self._accounts.values() if _is_before(erasure, each)), None)

    def reached(self) -> Mapping[int, int]:
        """By partition of face-features, how far it must be read to have all tombstones that were written for them."""
        found: dict[int, int] = {}
        for erasure in self._by_event.values():
            for partition, offset in erasure.reached.items():
                found[int(partition)] = max(offset, found.get(int(partition), 0))
        return found

    def oldest_age_s(self, now_ms: int) -> float:
        """Seconds since the oldest of them was asked for; 0 where there is none."""
        asked = [each.requested_at_ms for each in self._by_event.values()]
        return max(0.0, (now_ms - min(asked)) / 1000) if asked else 0.0

    def _drop(self, event_id: str) -> None:
        """Its record is erased, with all that it said."""
        self._completed.pop(event_id, None)
        self._accounts.pop(event_id, None)
        if (left := self._by_event.pop(event_id, None)) is not None:
            self._erase(structs.replace(left, state="completed"))


def _check_partitions(offsets: Mapping[str, int], partitions: int | None) -> None:
    """Raise ValueError unless each key is a partition's number as it is written; partitions: how many there are."""
    for key in offsets:
        if not (key.isascii() and key.isdecimal()) or str(int(key)) != key:
            raise ValueError("an offset stands under what is no partition")
        if partitions is not None and int(key) >= partitions:
            raise ValueError("an offset stands under a partition that there is not")


def _is_before(erasure: Erasure, other: Erasure) -> bool:
    """Whether it was asked for before the other: by offset in one partition, else by time, where that tells."""
    its, others = EventId.parse(erasure.event_id), EventId.parse(other.event_id)
    if (its.epoch, its.topic, its.partition) == (others.epoch, others.topic, others.partition):
        return its.offset < others.offset
    return erasure.requested_at_ms < other.requested_at_ms
