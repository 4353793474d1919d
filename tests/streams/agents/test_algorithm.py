"""How far the models came, in words and numbers."""

import pytest

from models.errors import PictureCode, PictureError
from models.types import EnrollmentReason, EnrollmentRefusal, FrameResult, Quality
from streams.agents.algorithm import Algorithm, of_error, of_face, of_frame, of_refusal
from streams.agents.pool import TimedOutError
from streams.wire.records import FaceQuality, Measured


def measured(**numbers) -> Measured:
    return Measured(**({"faces": None, "best_confidence": None, "quality": None, "timeout_s": None} | numbers))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (PictureError(PictureCode.TRUNCATED, "ends early"), Algorithm("not decoded: truncated_picture", measured())),
        (TimedOutError(0.2, stuck=False), Algorithm("not ended", measured(timeout_s=0.2))),
        (TimedOutError(0.2, stuck=True), Algorithm("not ended, and cannot be", measured(timeout_s=0.2))),
        (KeyError("ada"), Algorithm("KeyError")),
    ],
)
def test_of_what_was_raised(error: Exception, expected: Algorithm) -> None:
    assert of_error(error) == expected


def test_of_a_picture_that_enrolls_nobody() -> None:
    none = EnrollmentRefusal(EnrollmentReason.NO_FACE, None, 0, None, 640, 360, "image/jpeg")
    several = EnrollmentRefusal(EnrollmentReason.SEVERAL_FACES, None, 2, 0.87654, 640, 360, "image/jpeg")
    assert of_refusal(none) == Algorithm("no_face", measured(faces=0))
    assert of_refusal(several) == Algorithm("several_faces", measured(faces=2, best_confidence=0.8765))


def test_of_a_good_face() -> None:
    quality = FaceQuality(score=0.8, face_px=60, sharpness=0.7, yaw_deg=0.0, reject_reason=None)
    assert of_face(Quality(0.8, 60, 0.7, 0.04, None)) == Algorithm("encoded", measured(faces=1, quality=quality))


def test_of_a_frame(face) -> None:
    def seen(*faces) -> FrameResult:
        return FrameResult(640, 360, "image/jpeg", faces, {}, 0)

    assert of_frame(seen()) == Algorithm("recognised", measured(faces=0))
    assert of_frame(seen(face(), face())) == Algorithm("recognised", measured(faces=2, best_confidence=0.9))
