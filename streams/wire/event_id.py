"""Event ids: derived from the input's place, never random, so that what is processed twice has one id."""

import re
from dataclasses import dataclass

_PATTERN = re.compile(r"(?P<epoch>[0-9a-f]{8})-(?P<topic>[a-z-]+)-(?P<partition>\d+)-(?P<offset>\d+)")


@dataclass(frozen=True, slots=True)
class EventId:
    """Where a request stands in its input topic.

    epoch: 8 hex digits, drawn when the input topic was created.
    topic: the topic's short name (`camera-frames`, `gallery-commands`).
    """

    epoch: str
    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.topic}-{self.partition}-{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "EventId":
        """The id that `str` wrote. Raises ValueError on anything else."""
        found = _PATTERN.fullmatch(text)
        if found is None:
            raise ValueError(f"not an event id: {text[:80]!r}")
        return cls(found["epoch"], found["topic"], int(found["partition"]), int(found["offset"]))
