"""Who is in front of a camera, and who was."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from streams.wire.records.base import Count, Milliseconds, Record, Similarity


class Sighting(Record, frozen=True, kw_only=True):
    """Topic sightings: a person or an unknown enters, is seen on, and leaves.

    reason is null but at exit: left (not seen for the visit's timeout), silent (the camera sent no
    frame), handover (an unknown's camera moved to another worker), forgotten (the person was deleted).
    """

    event: Literal["enter", "update", "exit"]
    event_id: str
    visit_id: str
    camera_id: str
    account: str
    region: str
    gallery: str
    person_id: str | None
    first_seen_ms: Milliseconds
    last_seen_ms: Milliseconds
    frames: Count
    best_similarity: Similarity | None
    reason: Literal["left", "silent", "handover", "forgotten"] | None = None


class OpenVisit(Struct, frozen=True, kw_only=True):
    """A visit that has not ended; the fields of its last sighting, and the track of an unknown."""

    visit_id: str
    gallery: str
    person_id: str | None
    track_id: str | None
    first_seen_ms: Milliseconds
    last_seen_ms: Milliseconds
    frames: Count
    best_similarity: Similarity | None
    stated_at_ms: Annotated[int, Meta(ge=0, description="last_seen_ms when it was last published")]


class OpenVisits(Record, frozen=True, kw_only=True):
    """Topic visits: what a camera's next owner needs; holds up to and with `offset` of `partition`.

    transitions are those of that offset. They are published after this record, so the next owner publishes
    them again: none is lost, and a repeated one bears the same ids.
    """

    camera_id: str
    epoch: str
    partition: Count
    offset: int
    visits: list[OpenVisit]
    transitions: list[Sighting]
