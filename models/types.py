"""Frozen results, one for each step of a frame's way. Arrays are checked where they are made.

Names carry layout and unit: `boxes_xyxy_px` is (n, 4) as left, top, right, bottom in pixels of
the upright original picture, `pixels_bgr` is (height, width, 3) in blue, green, red.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]

SIMILARITY_STEP: Final = 0.01
"""Similarities and margins are published in multiples of this: half of the deviation (0.021) with which 1024 bits
estimate a cosine, so that it withholds what means nothing. It costs a reader who sets a threshold of his own 0.4 % of
the matches at most; 0.05 would cost 2 %. It keeps nobody out who chooses his probes and sees the scores: those of 200
probes give the template away at 0.01 as at 0.1 (cosine 0.96 and 0.91, `make bench-templates`). Rights must do that."""


def require(name: str, array: NDArray[Any], shape: tuple[int | None, ...], dtype: type[np.generic]) -> None:
    """Raise ValueError unless `array` has this dtype and shape (None stands for any length)."""
    fits = array.ndim == len(shape) and all(
        want is None or want == got for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype != dtype:
        raise ValueError(f"{name}: expected {dtype.__name__}{shape}, found {array.dtype}{array.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded, upright picture.

    pixels_bgr: uint8 (height, width, 3), 0 to 255.
    media_type: `image/jpeg`, `image/png` or `image/webp`.
    """

    pixels_bgr: UInt8
    media_type: str

    def __post_init__(self) -> None:
        require("pixels_bgr", self.pixels_bgr, (None, None, 3), np.uint8)

    @property
    def width_px(self) -> int:
        """Pixels from left to right."""
        return int(self.pixels_bgr.shape[1])

    @property
    def height_px(self) -> int:
        """Pixels from top to bottom."""
        return int(self.pixels_bgr.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The faces of one picture, best score first; n may be 0. Arrays are aligned on axis 0.

    boxes_xyxy_px: float32 (n, 4), left, top, right, bottom; may reach past the picture's edge.
    landmarks_xy_px: float32 (n, 5, 2): right eye, left eye, nose, right and left corner of the mouth,
        as seen in the picture from left to right for an upright face (the ArcFace order).
    scores: float32 (n,), detection confidence, 0 to 1.
    """

    boxes_xyxy_px: Float32
    landmarks_xy_px: Float32
    scores: Float32

    def __post_init__(self) -> None:
        n = len(self.scores)
        require("scores", self.scores, (None,), np.float32)
        require("boxes_xyxy_px", self.boxes_xyxy_px, (n, 4), np.float32)
        require("landmarks_xy_px", self.landmarks_xy_px, (n, 5, 2), np.float32)

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Detections":
        """The detections at `rows` (indices or mask), in that order."""
        return Detections(self.boxes_xyxy_px[rows], self.landmarks_xy_px[rows], self.scores[rows])


class RejectReason(StrEnum):
    """Why a face is not encoded."""

    LOW_CONFIDENCE = "low_confidence"
    TOO_SMALL = "too_small"
    TURNED = "turned"
    BLURRED = "blurred"


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a face can be recognised.

    score: 0 (useless) to 1 (a passport picture); orders views of one face.
    face_px: shorter side of the box, in pixels of the original.
    sharpness: 0 (no edge left) to 1.
    yaw_deg: estimated turn of the head, -90 to 90, positive to the picture's right.
    reject_reason: None if the face may be encoded.
    """

    score: float
    face_px: int
    sharpness: float
    yaw_deg: float
    reject_reason: RejectReason | None


class MatchStatus(StrEnum):
    """What is stated about a face in a frame."""

    MATCHED = "matched"
    UNKNOWN = "unknown"
    PENDING = "pending"
    REJECTED = "rejected"


class Searched(StrEnum):
    """Which search a verdict rests on."""

    EXACT = "exact"
    HNSW = "hnsw"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person of the gallery and the estimated cosine of its best feature to the probe (-1 to 1)."""

    person_id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The best persons for one probe, best first, each once; empty for an empty gallery.

    persons and features count the gallery as it was searched.
    """

    candidates: tuple[Candidate, ...]
    searched: Searched
    persons: int
    features: int


@dataclass(frozen=True, slots=True)
class Match:
    """What is stated about a face.

    person_id: None unless matched.
    similarity: estimated cosine to the best person, rounded to SIMILARITY_STEP; None before the first search.
    threshold: the similarity from which a face is matched in a gallery of this size; None before the first search.
    margin: similarity less that of the best other person; None with fewer than two persons.
    gallery_size: persons in the gallery.
    searched: None before the first search.
    encoded_at: reference of the frame whose encoding it rests on; None before the first encoding.
    """

    status: MatchStatus
    person_id: str | None
    similarity: float | None
    threshold: float | None
    margin: float | None
    gallery_size: int
    searched: Searched | None
    encoded_at: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face of a frame, in fractions of the frame's width and height (0 to 1).

    box_ltwh: float32 (4,): left, top, width, height, clipped to the frame.
    landmarks_xy: float32 (5, 2), not clipped.
    """

    box_ltwh: Float32
    landmarks_xy: Float32
    confidence: float
    quality: Quality
    track_id: str
    match: Match

    def __post_init__(self) -> None:
        require("box_ltwh", self.box_ltwh, (4,), np.float32)
        require("landmarks_xy", self.landmarks_xy, (5, 2), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """What was seen in one frame. Holds no pixel and no embedding.

    timings_s: seconds spent by step: decode, detect, follow, encode, match.
    encodings: faces encoded in this frame.
    """

    width_px: int
    height_px: int
    media_type: str
    faces: tuple[Face, ...]
    timings_s: Mapping[str, float]
    encodings: int


class EnrollmentReason(StrEnum):
    """Why a picture cannot enroll anybody."""

    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    LOW_QUALITY = "low_quality"


@dataclass(frozen=True, slots=True, eq=False)
class EnrollmentView:
    """The one good face of an enrollment picture.

    embedding: float32 (d,), unit length; to be protected at once, never stored, sent or logged.
    """

    embedding: Float32 = field(repr=False)
    quality: Quality
    width_px: int
    height_px: int
    media_type: str

    def __post_init__(self) -> None:
        require("embedding", self.embedding, (None,), np.float32)


@dataclass(frozen=True, slots=True)
class EnrollmentRefusal:
    """A picture that was read but enrolls nobody.

    quality: of the picture's one face; None unless the reason is low_quality.
    faces: how many faces count, see Recognizer.examine.
    best_confidence: of all faces that were found, 0 to 1; None if none was.
    """

    reason: EnrollmentReason
    quality: Quality | None
    faces: int
    best_confidence: float | None
    width_px: int
    height_px: int
    media_type: str

    @property
    def reject_reason(self) -> RejectReason | None:
        """Why the picture's one face is not encoded; None unless the reason is low_quality."""
        return None if self.quality is None else self.quality.reject_reason
