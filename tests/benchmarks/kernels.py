"""The bare kernels on all cores: what a machine could do if recognising were nothing but arithmetic."""

import itertools
import os
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from clips import Clip, decoded

from models.types import Picture
from models.vision.detect import Detector
from models.vision.encode import Encoder

_FACE = np.array([[[38, 52], [74, 52], [56, 72], [42, 92], [71, 92]]], np.float32)


def kernel_fps(clip: Clip, copies: int, encodings_per_frame: float, detector: Detector, encoder: Encoder) -> float:
    """Frames a second for decoding and detecting each frame, and for as many encodings as ours made.

    On a thread pool with a thread a core, over `copies` of the clip; no order, no following, no gallery, no broker.
    """
    cv2.setNumThreads(1)
    frames = [jpeg for _, _, jpeg in clip.frames()] * copies
    spread = itertools.pairwise(int(number * encodings_per_frame) for number in range(len(frames) + 1))
    tasks = [(jpeg, after - before) for jpeg, (before, after) in zip(frames, spread, strict=True)]

    def work(task: tuple[bytes, int]) -> None:
        jpeg, encodings = task
        picture = Picture(decoded(jpeg), "image/jpeg")
        detector.detect(picture)
        for _ in range(encodings):
            encoder.encode(picture, _FACE)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        started_s = time.perf_counter()
        list(pool.map(work, tasks))
        return len(frames) / (time.perf_counter() - started_s)
