"""What was seen in a frame."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from streams.wire.records.base import Count, Fraction, MatchStatus, Milliseconds, Record, Similarity


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
    region: str
    gallery: str
    captured_at_ms: Milliseconds | None
    received_at_ms: Milliseconds
    processed_at_ms: Milliseconds
    frame: FrameSize
    faces: list[RecognizedFace]
    timings_ms: Timings
    models: ModelNames
