"""The usual pipeline: detect in each frame, encode each face, and compare it with everybody, by itself."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from clips import Clip, decoded
from numpy.typing import NDArray
from systems import Named, Run

from streams.demo.truth import BoxLTWH

Pixels = NDArray[Any]
Look = Callable[[Pixels], Sequence[tuple[BoxLTWH, NDArray[np.float32]]]]
"""A BGR picture in; box (left, top, width, height in pixels) and unit-length embedding of each face out."""


class EveryFace:
    """A pipeline around one way to look at a picture."""

    def __init__(
        self,
        name: str,
        look: Look,
        min_similarity: Callable[[int], float],
        *,
        opencv_threads: int = 1,
    ) -> None:
        """Make it; nothing is enrolled before `run`.

        min_similarity: from which a face is named, by the number of people who are enrolled.
        """
        self.name = name
        self._look = look
        self._min_similarity = min_similarity
        self._opencv_threads = opencv_threads

    def run(self, clip: Clip) -> Run:
        """See `System`."""
        cv2.setNumThreads(self._opencv_threads)
        names = list(clip.people)
        known = np.array([self._enrolled(picture) for picture in clip.people.values()], np.float32)
        said: dict[tuple[str, int], tuple[Named, ...]] = {}
        started_s = time.perf_counter()
        for camera_id, number, jpeg in clip.frames():
            pixels = decoded(jpeg)
            seen = self._look(pixels)
            stated = self._stated([embedding for _, embedding in seen], names, known)
            boxes = (fractions(box, pixels) for box, _ in seen)
            said[camera_id, number] = tuple(zip(boxes, stated, strict=True))
        fps = len(clip) / (time.perf_counter() - started_s)
        return Run(fps, sum(map(len, said.values())), said)

    def _stated(
        self, embeddings: list[NDArray[np.float32]], names: list[str], known: NDArray[np.float32]
    ) -> list[str | None]:
        """The name of each face of a frame."""
        if not embeddings:
            return []
        similarities = np.array(embeddings) @ known.T
        best = similarities.argmax(axis=1)
        sure = similarities.max(axis=1) >= self._min_similarity(len(names))
        return [names[person] if certain else None for person, certain in zip(best, sure, strict=True)]

    def _enrolled(self, picture: bytes) -> NDArray[np.float32]:
        faces = self._look(decoded(picture))
        if not faces:
            raise ValueError(f"{self.name} finds no face in an enrollment picture")
        return max(faces, key=lambda face: face[0][2] * face[0][3])[1]


def fractions(box_ltwh_px: BoxLTWH, pixels: Pixels) -> BoxLTWH:
    """The box in fractions of the picture."""
    height_px, width_px = pixels.shape[:2]
    left, top, width, height = box_ltwh_px
    return left / width_px, top / height_px, width / width_px, height / height_px
