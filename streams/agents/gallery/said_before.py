"""What was said of a command before: one that is delivered twice is answered with the same result."""

from collections import OrderedDict
from typing import Any, Final, Generic, TypeVar

from streams.wire import records
from streams.wire.records import Erasure, GalleryEvent

KEPT: Final = 10_000
"""A command comes again within the seconds that a crash or a rebalance takes: the newest suffice."""

R = TypeVar("R", GalleryEvent, Erasure)


class SaidBefore(Generic[R]):
    """The newest records of gallery-events or of erasures, by the command's event id."""

    def __init__(self, kind: type[R]) -> None:
        self._kind: type[R] = kind
        self._by_event: OrderedDict[str, R] = OrderedDict()

    def apply(self, record: Any) -> None:
        """Take one record of the topic."""
        if record.value:
            said = records.decode(record.value, self._kind)
            self._by_event[said.event_id] = said
            self._by_event.move_to_end(said.event_id)
            while len(self._by_event) > KEPT:
                self._by_event.popitem(last=False)

    def of(self, event_id: str) -> R | None:
        """What was said last of the command with this event id."""
        return self._by_event.get(event_id)
