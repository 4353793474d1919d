"""What is read from an input topic, free of the engine's own types."""

from dataclasses import dataclass
from typing import Any

from streams.wire.topics import is_filler


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One record of an input topic.

    timestamp_ms: the broker's append time.
    generation: of the group membership under which it was read.
    token: what the engine needs to acknowledge it.
    attempt: which one of this worker it is, from 1.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    generation: int
    token: Any = None
    attempt: int = 1

    @property
    def is_filler(self) -> bool:
        """Nobody's request: it is there so that the broker rolls a segment."""
        return is_filler(self.key, self.value)

    def __repr__(self) -> str:
        """Place and size, never a byte of the picture: it may be logged."""
        size = 0 if self.value is None else len(self.value)
        return f"Request({self.topic}-{self.partition}@{self.offset}, {size} bytes)"
