"""The JSON records that we write, as types. Their JSON Schema stands in `schemas/`, made from these.

Times are milliseconds since 1970, by the broker's clock unless said otherwise. Readers must ignore
fields that they do not know; fields are added, never renamed or given another meaning, within one
`schema_version`.
"""

from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

SCHEMA_VERSION: Final = 1

Fraction = Annotated[float, Meta(ge=0, le=1, description="of the frame's width or height")]
Similarity = Annotated[float, Meta(ge=-1, le=1, description="estimated cosine, rounded to 0.01")]
Milliseconds = Annotated[int, Meta(ge=0, description="since 1970-01-01 UTC")]
Count = Annotated[int, Meta(ge=0)]

MatchStatus = Literal["matched", "unknown", "pending", "rejected"]


class Record(Struct, frozen=True, kw_only=True):
    """Root of all records."""

    schema_version: Literal[1] = SCHEMA_VERSION


class FrameSize(Struct, frozen=True, kw_only=True):
    """The upright frame's size."""

    width_px: Annotated[int, Meta(ge=1)]
    height_px: Annotated[int, Meta(ge=1)]


class Box(Struct, frozen=True, kw_only=True):
    """A face's box, clipped to the frame."""

    left: Fraction
    top: Fraction
    width: Fraction
    height: Fraction


class FaceQuality(Struct, frozen=True, kw_only=True):
    """How well the face can be recognised; reject_reason is null where it may be."""

    score: Annotated[float, Meta(ge=0, le=1)]
    face_px: Count
    sharpness: Annotated[float, Meta(ge=0, le=1)]
    yaw_deg: Annotated[float, Meta(ge=-90, le=90)]
    reject_reason: Literal["low_confidence", "too_small", "turned", "blurred"] | None


class FaceMatch(Struct, frozen=True, kw_only=True):
    """What is stated about a face; person_id is null unless matched."""

    status: MatchStatus
    person_id: str | None
    similarity: Similarity | None
    threshold: float | None
    margin: float | None
    gallery_size: Annotated[int, Meta(ge=0, description="persons in the gallery")]
    searched: Literal["exact", "hnsw"] | None
    encoded_at: Annotated[str, Meta(description="event id of the frame that the statement rests on")] | None


class RecognizedFace(Struct, frozen=True, kw_only=True):
    """One face of a frame."""

    box: Box
    landmarks: Annotated[
        list[tuple[float, float]], Meta(min_length=5, max_length=5, description="x, y in fractions of the frame")
    ]
    confidence: Annotated[float, Meta(ge=0, le=1)]
    quality: FaceQuality
    track_id: str
    match: FaceMatch


class Timings(Struct, frozen=True, kw_only=True):
    """Milliseconds spent by step."""

    decode: float
    detect: float
    encode: float
    match: float


class ModelNames(Struct, frozen=True, kw_only=True):
    """What a result was made with."""

    detector: str
    encoder: str
    template_key: str


class Recognition(Record, frozen=True, kw_only=True):
    """Topic recognitions: one for each frame that was recognised."""

    event_id: str
    camera_id: str
    frame_id: str | None
    account: str
    gallery: str
    captured_at_ms: Milliseconds | None
    received_at_ms: Milliseconds
    processed_at_ms: Milliseconds
    frame: FrameSize
    faces: list[RecognizedFace]
    timings_ms: Timings
    models: ModelNames


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


class LoggedFace(Struct, frozen=True, kw_only=True):
    """A recognition result as the running log keeps it."""

    track_id: str
    status: MatchStatus
    person_id: str | None
    similarity: Similarity | None


class RunningLogEntry(Record, frozen=True, kw_only=True):
    """Topic running-log: one for each request, whatever became of it."""

    event_id: str
    request_interface: Literal["recognize", "enroll", "forget", "unknown"]
    account: str
    app_id: str
    uin: str | None
    sub_uin: str | None
    region: str
    request_ip: str | None
    request_id: str | None
    camera_id: str | None
    gallery: str | None
    requested_at_ms: Annotated[int, Meta(ge=0, description="the broker's append time of the request")]
    accessed_at_ms: Annotated[int, Meta(ge=0, description="the worker's time of processing")]
    billed: bool
    return_code: str
    person_ids: list[str]
    results: list[LoggedFace]


class InputSummary(Struct, frozen=True, kw_only=True):
    """A request's input with the picture replaced by its size, type and dimensions."""

    value_bytes: Count
    media_type: str | None
    width_px: int | None
    height_px: int | None
    headers: Annotated[list[str], Meta(description="names of the headers that were given, no values")]


class ErrorLogEntry(Record, frozen=True, kw_only=True):
    """Topic error-log: a request that failed, or repeats of one cause summed. No person id, no picture."""

    event_id: Annotated[str, Meta(description="of the first of the summed requests")] | None
    request_interface: Literal["recognize", "enroll", "forget", "unknown", "view"]
    account: str
    app_id: str
    uin: str | None
    sub_uin: str | None
    region: str
    camera_id: str | None
    person: Annotated[str, Meta(description="keyed pseudonym of the person id")] | None
    logged_at_ms: Milliseconds
    upstream: Annotated[str, Meta(description="state of what the request came from")]
    downstream: Annotated[str, Meta(description="state of what the answer goes to")]
    succeeded: Literal[False] = False
    return_code: str
    detail: Annotated[str, Meta(max_length=1000)]
    input: InputSummary | None
    output: Annotated[str, Meta(description="what the sender got for it")]
    algorithm_output: Annotated[str, Meta(max_length=1000)] | None
    repeats: Annotated[int, Meta(ge=1)] = 1


class GalleryEvent(Record, frozen=True, kw_only=True):
    """Topic gallery-events: the answer to a gallery command. No person id, but its keyed pseudonym."""

    event_id: str
    request_id: str
    account: str
    gallery: str | None
    command: str | None
    accepted: bool
    code: str
    detail: str
    person: Annotated[str, Meta(description="keyed pseudonym of the person id")] | None
    features: Annotated[int, Meta(ge=0, description="features added or erased")]
    requested_at_ms: Milliseconds
    processed_at_ms: Milliseconds


ErasureState = Literal["accepted", "tombstoned"]


class Erasure(Record, frozen=True, kw_only=True):
    """Topic erasures: how far a deletion has come."""

    event_id: str
    request_id: str
    account: str
    gallery: str
    person: str
    state: ErasureState
    features: Count
    requested_at_ms: Milliseconds
    updated_at_ms: Milliseconds


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


RECORDS: Final[tuple[type[Record], ...]] = (
    Recognition,
    Sighting,
    OpenVisits,
    RunningLogEntry,
    ErrorLogEntry,
    GalleryEvent,
    Erasure,
    Epoch,
    Reached,
)

R = TypeVar("R", bound=Record)

_encoder = msgspec.json.Encoder()


def encode(record: Record) -> bytes:
    """The record as UTF-8 JSON on one line."""
    return _encoder.encode(record)


def decode(raw: bytes, kind: type[R]) -> R:
    """A record of this kind. Raises msgspec.DecodeError, which is a ValueError, on anything else."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (UnicodeDecodeError, RecursionError) as error:  # what msgspec lets through
        raise msgspec.DecodeError("text that is no UTF-8, or nested without end") from error
