"""A face's quality as records have it."""

from models.types import Quality
from streams.wire.records import FaceQuality


def fraction(value: float) -> float:
    """Within 0 to 1, rounded to 0.0001."""
    return min(1.0, max(0.0, round(float(value), 4)))


def face_quality(quality: Quality) -> FaceQuality:
    """As the record has it."""
    return FaceQuality(
        score=fraction(quality.score),
        face_px=quality.face_px,
        sharpness=fraction(quality.sharpness),
        yaw_deg=round(quality.yaw_deg, 1),
        reject_reason=None if quality.reject_reason is None else quality.reject_reason.value,
    )
