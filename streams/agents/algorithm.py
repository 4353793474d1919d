"""How far the models came with a request that failed, as the error log keeps it: words and numbers, no feature."""

from dataclasses import dataclass
from typing import Final

from models.errors import PictureError
from models.types import EnrollmentRefusal, FrameResult, Quality
from streams.agents.pool import TimedOutError
from streams.agents.quality import face_quality, fraction
from streams.wire.records import FaceQuality, Measured


@dataclass(frozen=True, slots=True)
class Algorithm:
    """output: in words. measured: None where no picture was looked at."""

    output: str
    measured: Measured | None = None


NOT_RUN: Final = Algorithm("not run")
"""The request was refused before its picture was looked at, or has none."""


def of_error(error: Exception) -> Algorithm:
    """Of what was raised: a refused picture, a deadline, or a bug, of which the type alone is told."""
    if isinstance(error, PictureError):
        return Algorithm(f"not decoded: {error.code}", _measured())
    if isinstance(error, TimedOutError):
        return Algorithm(f"not ended{', and cannot be' if error.stuck else ''}", _measured(timeout_s=error.timeout_s))
    return Algorithm(type(error).__name__)


def of_refusal(refusal: EnrollmentRefusal) -> Algorithm:
    """Of a picture that enrolls nobody."""
    confidence = refusal.best_confidence
    measured = _measured(
        faces=refusal.faces,
        best_confidence=None if confidence is None else fraction(confidence),
        quality=None if refusal.quality is None else face_quality(refusal.quality),
    )
    return Algorithm(f"{refusal.reason}" + (f": {refusal.reject_reason}" if refusal.reject_reason else ""), measured)


def of_face(quality: Quality) -> Algorithm:
    """Of an enrollment picture's one good face."""
    return Algorithm("encoded", _measured(faces=1, quality=face_quality(quality)))


def of_frame(result: FrameResult) -> Algorithm:
    """Of a frame that was recognised."""
    confidences = [fraction(face.confidence) for face in result.faces]
    return Algorithm("recognised", _measured(faces=len(confidences), best_confidence=max(confidences, default=None)))


def _measured(
    *,
    faces: int | None = None,
    best_confidence: float | None = None,
    quality: FaceQuality | None = None,
    timeout_s: float | None = None,
) -> Measured:
    return Measured(faces=faces, best_confidence=best_confidence, quality=quality, timeout_s=timeout_s)
