"""Pictures of every kind that a worker may be sent: sound in each format, and spoiled in each way."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from streams.demo.cast import CAST, stage
from streams.demo.film import enrollment_picture, film

FORMATS = (".jpg", ".png", ".webp")


@dataclass(frozen=True)
class Sent:
    """A picture for one of the input topics. person_id: None for a frame."""

    value: bytes
    person_id: str | None = None


def sent_pictures(max_picture_bytes: int) -> list[Sent]:
    """Real faces, so that every stage has something in its hands."""
    [first, *_] = film("lobby", 1)
    people = {person.person_id: enrollment_picture(person) for person in CAST if person.enrolled}
    frames = [*_in_all_formats(first.jpeg), *_spoiled(first.jpeg, max_picture_bytes)]
    enrollments = [
        (person_id, value)
        for (person_id, picture), ending in zip(people.items(), FORMATS, strict=False)
        for value in (_as(picture, ending),)
    ]
    enrollments += [("carl", each) for each in _spoiled(people["carl"], max_picture_bytes)]
    return [Sent(each) for each in frames] + [Sent(value, person_id) for person_id, value in enrollments]


def crops() -> list[bytes]:
    """The faces in the pictures as pixels, as they lie in memory: of frames and of enrollment pictures."""
    [first, *_] = film("lobby", 1)
    pictures = [first.jpeg, *(enrollment_picture(person) for person in CAST if person.enrolled)]
    decoded = [_pixels(each) for each in pictures]
    faces = []
    for image_bgr in decoded:
        height_px, width_px = image_bgr.shape[:2]
        middle = image_bgr[height_px // 4 : -height_px // 4, width_px // 4 : -width_px // 4]
        small = cv2.resize(middle, (112, 112))
        faces += [middle.tobytes(), middle[..., ::-1].tobytes(), small.tobytes()]
        faces.append(small.astype(np.float32).transpose(2, 0, 1).tobytes())
    return [*faces, np.ascontiguousarray(stage()[268:398, 58:169]).tobytes()]


def _in_all_formats(jpeg: bytes) -> Iterator[bytes]:
    yield from (_as(jpeg, ending) for ending in FORMATS)


def _as(jpeg: bytes, ending: str) -> bytes:
    return cv2.imencode(ending, _pixels(jpeg))[1].tobytes()


def _pixels(jpeg: bytes) -> np.ndarray:
    image_bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image_bgr is not None
    return image_bgr


def _spoiled(jpeg: bytes, max_picture_bytes: int) -> Iterator[bytes]:
    noise = random.Random(11).randbytes(2000)
    middle = len(jpeg) // 2
    for each in (jpeg, _as(jpeg, ".png"), _as(jpeg, ".webp")):
        yield each[: len(each) * 2 // 3]  # cut off
        yield each[:200] + noise + each[2200:]  # the decoder has something to complain of
    yield jpeg[:middle] + noise + jpeg[middle:]
    yield jpeg + noise * (max_picture_bytes // len(noise))  # too large, by less than the topic takes
    yield jpeg[30:]  # without its beginning
