"""Quality: which faces are worth encoding, and which view of a face is the better one.

The figures behind the defaults are cosines between the embedding (SFace) of a clean photograph of seven people and
that of the same photograph made worse, and of two people who turn their heads in a clip.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models.types import Detections, Picture, Quality, RejectReason, UInt8


class QualityGate(Protocol):
    """Looks at each face before it is encoded."""

    def assess(self, picture: Picture, detections: Detections) -> tuple[Quality, ...]:
        """One Quality for each detection, in its order; a rejected face has its reason, and a score all the same."""
        ...


@dataclass(frozen=True, slots=True)
class QualitySettings:
    """From where a face is encoded.

    min_face_px: shorter side of the box. Cosine 0.78 at 32 pixels, 0.69 at 24, 0.58 at 20, 0.41 at 16.
    min_sharpness: 0 to 1. Cosine 0.87 at 0.50, 0.7 at 0.31, 0.55 at 0.21, 0.3 at 0.14, be it blur or motion.
    max_yaw_deg: 0 to 90. Cosine to a frontal view 0.9 within 10 degrees, 0.8 at 15, 0.2 to 0.7 at 25, below 0.4
        beyond 30, but 0.8 to 0.95 to views turned alike. The estimate spreads by 8 degrees on small faces. Lower it
        for large galleries: two different people, both turned by more than 20, reached a cosine of 0.5.
    min_confidence: 0 to 1. Clean faces score 0.88 and more, 20 pixels wide 0.79, blurred to cosine 0.25 0.73.
    """

    min_face_px: int = 24
    min_sharpness: float = 0.2
    max_yaw_deg: float = 45.0
    min_confidence: float = 0.7


class LandmarkQualityGate:
    """Judges by box, landmarks and the pixels inside the box. Safe to share between threads."""

    def __init__(self, settings: QualitySettings) -> None:
        self._settings = settings

    def assess(self, picture: Picture, detections: Detections) -> tuple[Quality, ...]:
        """See `QualityGate`."""
        yaws_deg = yaw_deg(detections.landmarks_xy_px)
        return tuple(
            self._assess(sharpness(picture, box), box, float(yaw), float(confidence))
            for box, yaw, confidence in zip(detections.boxes_xyxy_px, yaws_deg, detections.scores, strict=True)
        )

    def _assess(
        self, face_sharpness: float, box_xyxy_px: NDArray[np.float32], face_yaw_deg: float, confidence: float
    ) -> Quality:
        width, height = float(box_xyxy_px[2] - box_xyxy_px[0]), float(box_xyxy_px[3] - box_xyxy_px[1])
        face_px = max(0, round(min(width, height)))
        score = confidence * face_sharpness * _size_factor(face_px) * _frontal_factor(face_yaw_deg)
        reason = self._reject_reason(face_px, face_sharpness, face_yaw_deg, confidence)
        return Quality(score, face_px, face_sharpness, face_yaw_deg, reason)

    def _reject_reason(
        self, face_px: int, face_sharpness: float, face_yaw_deg: float, confidence: float
    ) -> RejectReason | None:
        if confidence < self._settings.min_confidence:
            return RejectReason.LOW_CONFIDENCE
        if face_px < self._settings.min_face_px:
            return RejectReason.TOO_SMALL
        if abs(face_yaw_deg) > self._settings.max_yaw_deg:
            return RejectReason.TURNED
        if face_sharpness < self._settings.min_sharpness:
            return RejectReason.BLURRED
        return None


_ENCODED_PX = 112


def _size_factor(face_px: int) -> float:
    """1 from the width at which the encoder sees a face, less for what is enlarged for it."""
    return math.sqrt(min(1.0, face_px / _ENCODED_PX))


_FRONTAL_DEG = 35.0


def _frontal_factor(face_yaw_deg: float) -> float:
    """Falls with the turn of the head as the cosine to a frontal view did: 0.83 at 15 degrees, 0.37 at 35."""
    return math.exp(-((face_yaw_deg / _FRONTAL_DEG) ** 2))


NOSE_DEPTH_IN_EYE_DISTANCES = 0.534
"""How far the tip of the nose stands before the line of the eyes: insightface's mean face, meanshape_68."""


def yaw_deg(landmarks_xy_px: NDArray[np.float32]) -> NDArray[np.float64]:
    """Estimated turn of each head in degrees, float64 (n,), -90 to 90; positive towards the picture's right.

    A head turned by y shows its eyes e cos(y) apart, and the tip of its nose e d sin(y) beside their middle, with
    e their distance and d the nose's depth in such distances: tan(y) = offset / (d x distance seen). Offsets are
    taken along the line of the eyes, so a tilted head is not a turned one.
    """
    right_eye, left_eye, nose = (landmarks_xy_px[:, point].astype(np.float64) for point in range(3))
    eye_line = left_eye - right_eye
    distance = np.linalg.norm(eye_line, axis=1)
    offset = ((nose - (right_eye + left_eye) / 2) * eye_line).sum(axis=1) / np.maximum(distance, 1e-9)
    return np.asarray(np.degrees(np.arctan2(offset, NOSE_DEPTH_IN_EYE_DISTANCES * distance)), np.float64)


_SHARPNESS_SIDE_PX = 48
_PIXELS_FOR_ONE = 4
_HALF_SHARP = 0.03


def sharpness(picture: Picture, box_xyxy_px: NDArray[np.float32]) -> float:
    """How much fine structure a face shows, 0 (none) to 1; 0 for a box outside the picture.

    The box, grey and scaled to 48 x 48, is differentiated twice downwards and twice to the right (the two halves
    of a Laplacian). The weaker of the two variances counts, since motion blurs one direction only; faces have half
    as much structure to the right, which is made up for. Divided by the variance of the grey values it does not
    depend on light or contrast (but noise in the dark counts as structure). 0.5 is where the cosine is 0.87.
    """
    left, top = np.maximum(np.floor(box_xyxy_px[:2]), 0).astype(int)
    right, bottom = np.maximum(np.ceil(box_xyxy_px[2:]), 0).astype(int)
    face_bgr = picture.pixels_bgr[top:bottom, left:right]
    if face_bgr.size == 0:
        return 0.0
    grey = _small_grey(face_bgr)
    down = grey[2:] - 2 * grey[1:-1] + grey[:-2]
    right_hand = grey[:, 2:] - 2 * grey[:, 1:-1] + grey[:, :-2]
    structure = min(float(down.var()), 2 * float(right_hand.var())) / (float(grey.var()) + 1)
    return structure / (structure + _HALF_SHARP)


def _small_grey(face_bgr: UInt8) -> NDArray[np.float32]:
    """The face, grey, 48 x 48. Of a large face every n-th pixel is read, at least four for one in either direction."""
    side = _SHARPNESS_SIDE_PX
    shorter = min(face_bgr.shape[:2])
    step = max(1, shorter // (side * _PIXELS_FOR_ONE))
    grey = cv2.cvtColor(np.ascontiguousarray(face_bgr[::step, ::step]), cv2.COLOR_BGR2GRAY)
    interpolation = cv2.INTER_AREA if shorter > side else cv2.INTER_LINEAR
    return cv2.resize(grey, (side, side), interpolation=interpolation).astype(np.float32)
