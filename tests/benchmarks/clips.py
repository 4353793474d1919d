"""What every system is given: the same JPEG frames, and who is enrolled."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.types import Picture
from models.vision.detect import Detector
from models.vision.encode import Encoder
from models.vision.quality import LandmarkQualityGate, QualitySettings
from streams.demo.film import CAMERAS, FRAMES_PER_S, film

JPEG_QUALITY = 90
ENROLL_FRAMES = 12
"""People of a clip are enrolled from this many of its first frames: about a second."""

ENROLL_MIN_PX = 48
ENROLL_MIN_SCORE = 0.8
SAME, OTHER = 0.5, 0.3
"""Two faces of the first frames are one person from this similarity on, and two below that; between, neither."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Moving pictures: the frames of each camera as JPEG, and one enrollment picture a person."""

    name: str
    frames_per_s: float
    cameras: Mapping[str, Sequence[bytes]]
    people: Mapping[str, bytes]

    def frames(self) -> Iterator[tuple[str, int, bytes]]:
        """Camera, number and bytes of each frame, the cameras taking turns."""
        for number in range(max(map(len, self.cameras.values()))):
            for camera_id, frames in self.cameras.items():
                if number < len(frames):
                    yield camera_id, number, frames[number]

    def __len__(self) -> int:
        return sum(map(len, self.cameras.values()))


def demo_clip(frames: int, detector: Detector, encoder: Encoder) -> Clip:
    """The demo's film, its first `frames` of each camera; whoever its first frames show well is enrolled from them."""
    cameras = {camera_id: [frame.jpeg for frame in film(camera_id, frames)] for camera_id in CAMERAS}
    first = [decoded(jpeg) for reel in cameras.values() for jpeg in reel[:ENROLL_FRAMES]]
    return Clip("demo", FRAMES_PER_S, cameras, people_of(first, detector, encoder))


def clips_in(directory: Path, detector: Detector, encoder: Encoder) -> Iterator[Clip]:
    """Every video or moving GIF in a directory that OpenCV can read and that shows people in its first second."""
    for path in sorted(directory.iterdir()):
        video = cv2.VideoCapture(str(path))
        pictures = []
        while (read := video.read())[0]:
            pictures.append(read[1])
        frames_per_s = video.get(cv2.CAP_PROP_FPS)
        video.release()
        people = people_of(pictures[:ENROLL_FRAMES], detector, encoder)
        if len(pictures) > 1 and people:
            yield Clip(path.name, frames_per_s or 25.0, {"clip": [_jpeg(p, JPEG_QUALITY) for p in pictures]}, people)


def people_of(pictures: Sequence[NDArray[Any]], detector: Detector, encoder: Encoder) -> dict[str, bytes]:
    """One enrollment picture of each person in these frames: the best view by our quality gate, cut out.

    Faces are put together by their embeddings, greedily, in the order of the frames; names are `p1`, `p2`, ...
    """
    gate = LandmarkQualityGate(QualitySettings(min_face_px=ENROLL_MIN_PX, min_confidence=ENROLL_MIN_SCORE))
    people: list[tuple[NDArray[np.float32], float, bytes]] = []
    for pixels in pictures:
        picture = Picture(pixels, "image/jpeg")
        found = detector.detect(picture)
        embeddings = encoder.encode(picture, found.landmarks_xy_px)
        for row, quality in enumerate(gate.assess(picture, found)):
            if quality.reject_reason is not None:
                continue
            similarities = [float(embeddings[row] @ known) for known, _, _ in people]
            best = int(np.argmax(similarities)) if similarities else -1
            candidate = (embeddings[row], quality.score, _cut(pixels, found.boxes_xyxy_px[row]))
            if best < 0 or similarities[best] < OTHER:
                people.append(candidate)
            elif similarities[best] >= SAME and quality.score > people[best][1]:
                people[best] = candidate
    return {f"p{number}": cut for number, (_, _, cut) in enumerate(people, start=1)}


def decoded(jpeg: bytes) -> NDArray[Any]:
    """BGR pixels of a JPEG."""
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return pixels


def _cut(pixels: NDArray[Any], box_xyxy_px: NDArray[np.float32]) -> bytes:
    left, top, right, bottom = box_xyxy_px
    margin = 0.4 * max(right - left, bottom - top)
    rows = slice(max(0, int(top - margin)), int(bottom + margin))
    columns = slice(max(0, int(left - margin)), int(right + margin))
    return _jpeg(pixels[rows, columns], 95)


def _jpeg(pixels: NDArray[Any], quality: int) -> bytes:
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()
