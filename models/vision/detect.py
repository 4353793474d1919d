"""Detect: where the faces are, each with a box and five landmarks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np

from models.session import Session
from models.types import Detections, Float32, Picture, UInt8


class Detector(Protocol):
    """A picture in, its faces out.

    name: the network and the start of its checksum, as published with each result.
    """

    name: str

    def detect(self, picture: Picture) -> Detections:
        """The faces of a picture of any size, best score first, in pixels of that picture; none is a value too."""
        ...


@dataclass(frozen=True, slots=True)
class DetectionSettings:
    """What counts as a face, and on how large a picture the network looks.

    longest_side_px: larger pictures are scaled down to it, smaller ones are left; a multiple of 128.
        Halving it costs the smallest faces (below some 20 pixels of the scaled picture) and saves three quarters.
    min_score: 0 to 1. The quality gate asks for more; what lies between helps to follow a face.
    max_overlap: intersection over union from which two boxes are one face.
    max_faces: the best of a picture; a crowd, or a picture made to look like one, must not hold up its camera.
    """

    longest_side_px: int = 640
    min_score: float = 0.6
    max_overlap: float = 0.3
    max_faces: int = 100

    def __post_init__(self) -> None:
        if self.longest_side_px < 128 or self.longest_side_px % 128:
            raise ValueError(f"longest_side_px: expected a multiple of 128, found {self.longest_side_px}")


_STRIDES_PX = (8, 16, 32)
# Boxes that reach non-maximum suppression for each face that may come out of it; a face has some ten to thirty.
_CANDIDATES_PER_FACE = 20


class YuNetDetector:
    """YuNet on onnxruntime. Safe to share between threads.

    The network's input is BGR, 0 to 255, batch x 3 x height x width. Its outputs, for each cell of each stride:
    score = sqrt(cls x obj); centre of the box = (cell + bbox[:2]) x stride, its sides = exp(bbox[2:]) x stride;
    landmark = (cell + kps) x stride. Source: OpenCV's `FaceDetectorYN`.
    """

    def __init__(self, session: Session, name: str, settings: DetectionSettings) -> None:
        self.name = name
        self._session = session
        self._settings = settings

    def detect(self, picture: Picture) -> Detections:
        """See `Detector`."""
        planes, scale = letterbox(picture.pixels_bgr, self._settings.longest_side_px)
        outputs = self._session.run({self._session.input_names[0]: planes})
        candidates = _candidates(outputs, planes.shape[3], self._settings)
        best = _suppress(candidates, self._settings)
        return Detections(best.boxes_xyxy_px / scale, best.landmarks_xy_px / scale, best.scores)


class InsightFaceDetector:
    """A detector of InsightFace's model_zoo (SCRFD and its kin), with its own scaling and suppression."""

    def __init__(self, network: Any, name: str, settings: DetectionSettings) -> None:
        """`network` has been made by insightface.model_zoo; its score and overlap limits are set here."""
        self.name = name
        self._network = network
        self._max_faces = settings.max_faces
        side = settings.longest_side_px
        network.prepare(0, input_size=(side, side), det_thresh=settings.min_score, nms_thresh=settings.max_overlap)

    def detect(self, picture: Picture) -> Detections:
        """See `Detector`."""
        boxes_and_scores, landmarks = self._network.detect(picture.pixels_bgr)
        best = np.argsort(-boxes_and_scores[:, 4], kind="stable")[: self._max_faces]
        rows = boxes_and_scores[best].astype(np.float32)
        return Detections(rows[:, :4], landmarks[best].astype(np.float32), np.clip(rows[:, 4], 0, 1))


def letterbox(pixels_bgr: UInt8, longest_side_px: int) -> tuple[Float32, float]:
    """The picture, scaled down to fit, in the upper left corner of one of a few canvases; and the scale.

    float32 (1, 3, height, width), BGR, 0 to 255, zeros beside the picture. A canvas is a quarter, half or all of
    the longest side long and 3/5 (for 16 to 9), 3/4 (for 4 to 3) or all of that wide, in multiples of 32:
    onnxruntime's memory grows with every shape it meets.
    """
    height, width = pixels_bgr.shape[:2]
    scale = min(1.0, longest_side_px / max(height, width))
    if scale < 1:
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        pixels_bgr = np.asarray(cv2.resize(pixels_bgr, (width, height)), np.uint8)
    canvas_height, canvas_width = _canvas(height, width, longest_side_px)
    planes = np.zeros((1, 3, canvas_height, canvas_width), np.float32)
    for channel, plane in enumerate(cv2.split(pixels_bgr)):
        planes[0, channel, :height, :width] = plane
    return planes, scale


def _canvas(height: int, width: int, longest_side_px: int) -> tuple[int, int]:
    """Height and width of the smallest canvas that holds a picture of these sides."""
    longest, shortest = max(height, width), min(height, width)
    long = next(side for side in (longest_side_px // 4, longest_side_px // 2, longest_side_px) if side >= longest)
    short = next(side for side in (long * 3 // 5, long * 3 // 4, long) if _to_32(side) >= shortest)
    return (_to_32(short), _to_32(long)) if height <= width else (_to_32(long), _to_32(short))


def _to_32(side: int) -> int:
    """The next multiple of 32: the network halves its input five times."""
    return -(-side // 32) * 32


def _candidates(outputs: Mapping[str, Float32], canvas_width_px: int, settings: DetectionSettings) -> Detections:
    """Every cell that scores high enough, strides one after the other, in pixels of the canvas."""
    parts = []
    for stride in _STRIDES_PX:
        products = outputs[f"cls_{stride}"][0, :, 0] * outputs[f"obj_{stride}"][0, :, 0]
        rows = np.flatnonzero(products >= settings.min_score**2)
        cells = np.stack((rows % (canvas_width_px // stride), rows // (canvas_width_px // stride)), 1).astype(
            np.float32
        )
        box = outputs[f"bbox_{stride}"][0, rows]
        centres, half_sides = (cells + box[:, :2]) * stride, np.exp(box[:, 2:]) * (stride / 2)
        landmarks = (cells[:, None] + outputs[f"kps_{stride}"][0, rows].reshape(-1, 5, 2)) * stride
        boxes = np.concatenate((centres - half_sides, centres + half_sides), 1)
        parts.append((boxes, landmarks, np.sqrt(np.minimum(products[rows], 1))))
    boxes, landmarks, scores = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Detections(boxes, landmarks, scores)


def _suppress(candidates: Detections, settings: DetectionSettings) -> Detections:
    """Of boxes that overlap, the best: greedy non-maximum suppression."""
    limit = settings.max_faces * _CANDIDATES_PER_FACE
    if len(candidates) > limit:
        candidates = candidates.take(np.argpartition(-candidates.scores, limit)[:limit])
    elif not len(candidates):
        return candidates
    left_top_sides = candidates.boxes_xyxy_px.copy()
    left_top_sides[:, 2:] -= left_top_sides[:, :2]
    kept = cv2.dnn.NMSBoxes(
        left_top_sides.tolist(), candidates.scores.tolist(), settings.min_score, settings.max_overlap
    )
    return candidates.take(np.asarray(kept, np.intp)[: settings.max_faces])
