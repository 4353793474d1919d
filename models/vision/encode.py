"""Encode: an aligned crop of each face becomes an embedding."""

from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models.session import Session
from models.types import Float32, Picture, UInt8, require

ARCFACE_TEMPLATE_XY_PX = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float64
)
"""Where the five landmarks come to lie in a crop of 112 x 112: insightface.utils.face_align.arcface_dst."""

_BATCH = 8  # more in one call is no faster, and onnxruntime keeps the memory of the largest


class Encoder(Protocol):
    """Faces of a picture in, embeddings out.

    name: the network and the start of its checksum; features of two names cannot be compared.
    dimension: numbers in an embedding.
    """

    name: str
    dimension: int

    def encode(self, picture: Picture, landmarks_xy_px: Float32) -> Float32:
        """Embeddings of unit length, float32 (n, dimension), for landmarks float32 (n, 5, 2); n may be 0.

        Landmarks are in pixels of `picture`, in the order of `Detections`. An embedding is never stored or sent.
        """
        ...


class ArcFaceEncoder:
    """A recognition network of InsightFace's ArcFace class. Safe to share between threads."""

    def __init__(self, arcface: Any, name: str) -> None:
        """`arcface` is an insightface.model_zoo.ArcFaceONNX; it knows its input size, colour order and scaling."""
        self.name = name
        self._arcface = arcface
        self._side_px = int(arcface.input_size[0])
        self._batch = 1 if arcface.input_shape[0] == 1 else _BATCH
        blank = np.zeros((self._side_px, self._side_px, 3), np.uint8)
        self.dimension = int(arcface.get_feat([blank]).shape[1])

    @classmethod
    def load(cls, file: Path, name: str) -> "ArcFaceEncoder":
        """The network of an ONNX file, on a session of ours. Raises PackError if onnxruntime cannot load it."""
        from insightface.model_zoo import ArcFaceONNX  # noqa: PLC0415 - takes a second, which most importers can save

        return cls(ArcFaceONNX(str(file), Session(file).runtime), name)

    def encode(self, picture: Picture, landmarks_xy_px: Float32) -> Float32:
        """See `Encoder`."""
        require("landmarks_xy_px", landmarks_xy_px, (None, 5, 2), np.float32)
        crops = aligned_crops(picture, landmarks_xy_px, self._side_px)
        if not crops:
            return np.empty((0, self.dimension), np.float32)
        batches = [crops[first : first + self._batch] for first in range(0, len(crops), self._batch)]
        vectors = np.concatenate([self._arcface.get_feat(batch) for batch in batches])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def aligned_crops(picture: Picture, landmarks_xy_px: Float32, side_px: int) -> list[UInt8]:
    """Each face turned, scaled and moved onto the ArcFace template: BGR crops of side_px; black beyond the picture."""
    return [
        np.asarray(cv2.warpAffine(picture.pixels_bgr, matrix, (side_px, side_px)), np.uint8)
        for matrix in similarity_to_template(landmarks_xy_px, side_px)
    ]


def similarity_to_template(landmarks_xy_px: Float32, side_px: int) -> NDArray[np.float64]:
    """The rotation, scale and shift, float64 (n, 2, 3), that brings each face nearest to the ArcFace template.

    Least squares. In the plane Umeyama's closed form (IEEE PAMI 13(4), 1991) is a quotient of complex numbers:
    with landmarks z and template w about their means, the factor is sum(conj(z) w) / sum(|z|^2). Equal to
    insightface's `estimate_norm`, which is not used: it gives NaN for five landmarks in one point (here a crop of one
    colour), rests on a call that scikit-image is removing, and takes 105 us a face instead of 30.
    """
    template = _complex(_template(side_px))
    faces = _complex(np.asarray(landmarks_xy_px, np.float64))
    centres = faces.mean(axis=1, keepdims=True)
    centred = faces - centres
    spread = np.maximum((abs(centred) ** 2).sum(axis=1), np.finfo(np.float64).tiny)
    factor = (centred.conj() * (template - template.mean())).sum(axis=1) / spread
    shift = template.mean() - factor * centres[:, 0]
    rows = [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    return np.array(rows, np.float64).transpose(2, 0, 1)


def _template(side_px: int) -> NDArray[np.float64]:
    """The template for crops whose side is a multiple of 112, or of 128 (eight pixels wider on either side)."""
    unit, margin = (112, 0) if side_px % 112 == 0 else (128, 8)
    return np.asarray((ARCFACE_TEMPLATE_XY_PX + np.array([margin, 0])) * (side_px / unit), np.float64)


def _complex(points_xy: NDArray[np.float64]) -> NDArray[np.complex128]:
    return np.asarray(points_xy[..., 0] + 1j * points_xy[..., 1], np.complex128)
