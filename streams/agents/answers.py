"""Answers given before: a command that is delivered twice is answered with the same result."""

from collections import OrderedDict
from typing import Any, Final

from streams.wire import records
from streams.wire.records import GalleryEvent

KEPT: Final = 10_000
"""A command comes again within the seconds that a crash or a rebalance takes: the newest answers suffice."""


class Answers:
    """The newest answers on gallery-events, by the command's event id."""

    def __init__(self) -> None:
        self._by_event: OrderedDict[str, GalleryEvent] = OrderedDict()

    def apply(self, record: Any) -> None:
        """Take one record of the topic."""
        if record.value:
            event = records.decode(record.value, GalleryEvent)
            self._by_event[event.event_id] = event
            while len(self._by_event) > KEPT:
                self._by_event.popitem(last=False)

    def to(self, event_id: str) -> GalleryEvent | None:
        """The answer to the command with this event id, if one was given."""
        return self._by_event.get(event_id)
