"""What workers keep for their successors."""

from typing import Annotated

from msgspec import Meta

from streams.wire.records.base import Milliseconds, Record


class Epoch(Record, frozen=True, kw_only=True):
    """Topic control: drawn before a topic is created, so that one made anew is told apart."""

    topic: str
    epoch: Annotated[str, Meta(pattern="^[0-9a-f]{8}$")]
    created_at_ms: Milliseconds


class Reached(Record, frozen=True, kw_only=True):
    """Topic control: how far a partition of an input topic was read under its epoch; it must never end before that.

    It has all fields of an epoch: a reader that knows no other record takes it for one of a topic that is not its own.
    """

    topic: Annotated[str, Meta(description="the topic's short name and the partition, as camera-frames/3")]
    epoch: Annotated[str, Meta(pattern="^[0-9a-f]{8}$")]
    created_at_ms: Milliseconds
    next_offset: Annotated[int, Meta(ge=0, description="the offset behind the last one that was read")]


class Confirmed(Record, frozen=True, kw_only=True):
    """Topic control: up to where a worker has carried out what face-features says, by partition.

    Under the key `worker/<worker>`; written while a deletion waits for it, else now and then; a tombstone at the
    worker's end. saved: what its snapshot holds; null: it keeps none. written_at_ms: by the worker's own clock; how
    long it has been silent is told by the record's time, which is the broker's.
    """

    worker: str
    applied: dict[str, int]
    saved: dict[str, int] | None
    written_at_ms: Milliseconds
