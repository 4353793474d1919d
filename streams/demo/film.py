"""Three cameras that pan and zoom over the stage, and what each of their frames shows.

The truth comes from the frame's own affine matrix, so that no recogniser is needed to know it.
Everything is drawn from the camera's name: the same camera films the same frames, always.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from streams.demo.cast import CAST, Person, stage
from streams.demo.truth import FrameTruth, TruthFace

FRAME_WH_PX: Final = (640, 360)
FRAMES_PER_S: Final = 15
FILM_S: Final = 20.0
FRAMES: Final = int(FILM_S * FRAMES_PER_S)
MIN_FACE_PX: Final = 44
"""Shorter side of a face, in pixels of the frame, from which the truth expects it to be recognised."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FilmFrame:
    """One frame: a JPEG as a camera would send it, and who is to be seen in it."""

    jpeg: bytes
    truth: FrameTruth


@dataclass(frozen=True, slots=True)
class Shot:
    """Where a camera looks at a time: the centre of its view and the view's width, in pixels of the stage."""

    at_s: float
    x_px: float
    y_px: float
    width_px: float


CAMERAS: Final = MappingProxyType(
    {
        # along the whole table and back, then everybody at once
        "lobby": (
            Shot(0, 390, 280, 720),
            Shot(2, 390, 280, 720),
            Shot(7, 900, 238, 730),
            Shot(9, 900, 238, 730),
            Shot(13, 400, 275, 700),
            Shot(16, 640, 350, 1230),
            Shot(18, 640, 350, 1230),
            Shot(20, 880, 270, 800),
        ),
        # close to some of them; the strangers at both ends come and go
        "gate": (
            Shot(0, 600, 350, 560),
            Shot(3, 620, 345, 600),
            Shot(6, 1010, 220, 660),
            Shot(9, 990, 225, 680),
            Shot(12, 610, 340, 560),
            Shot(15, 300, 250, 580),
            Shot(17, 320, 255, 600),
            Shot(20, 610, 345, 560),
        ),
        # a portrait, over an empty wall to two of the group, and back
        "desk": (
            Shot(0, 1650, 330, 480),
            Shot(4, 1640, 325, 420),
            Shot(7, 1030, 220, 680),
            Shot(10, 1000, 225, 660),
            Shot(13, 1640, 330, 520),
            Shot(16, 1655, 335, 440),
            Shot(20, 1640, 330, 500),
        ),
    }
)


def film(camera_id: str, frames: int = FRAMES) -> Iterator[FilmFrame]:
    """The first `frames` frames of this camera of CAMERAS, FRAMES_PER_S of them a second. Raises CastError."""
    shots = CAMERAS[camera_id]
    seed = int.from_bytes(hashlib.sha256(camera_id.encode()).digest()[:8], "big")
    random = np.random.Generator(np.random.PCG64(seed))
    weather = _Weather(random)
    for number in range(frames):
        at_s = number / FRAMES_PER_S
        matrix = weather.shaken(view_matrix(_between(shots, at_s), weather.tilt_deg(at_s)), at_s)
        truth = FrameTruth(camera_id, number, faces_in_view(matrix))
        yield FilmFrame(weather.photograph(matrix, at_s, random), truth)


def view_matrix(shot: Shot, tilt_deg: float = 0.0) -> Matrix:
    """The 2x3 matrix from pixels of the stage to pixels of a frame for a camera turned by `tilt_deg`."""
    width_px, height_px = FRAME_WH_PX
    scale = width_px / shot.width_px
    cosine, sine = scale * math.cos(math.radians(tilt_deg)), scale * math.sin(math.radians(tilt_deg))
    return np.array(
        [
            [cosine, sine, width_px / 2 - cosine * shot.x_px - sine * shot.y_px],
            [-sine, cosine, height_px / 2 + sine * shot.x_px - cosine * shot.y_px],
        ]
    )


def faces_in_view(matrix: Matrix, cast: Iterable[Person] = CAST) -> tuple[TruthFace, ...]:
    """The faces of which a frame taken with this matrix shows at least a part, in the order of `cast`."""
    width_px, height_px = FRAME_WH_PX
    seen = []
    for person in cast:
        left, top, width, height = person.face_ltwh_px
        corners = np.array([[x, y, 1.0] for x in (left, left + width) for y in (top, top + height)])
        low, high = (matrix @ corners.T).min(axis=1), (matrix @ corners.T).max(axis=1)
        inner_low, inner_high = np.maximum(low, 0), np.minimum(high, FRAME_WH_PX)
        if (inner_high <= inner_low).any():
            continue
        whole = bool((low >= 0).all() and (high <= FRAME_WH_PX).all())
        shorter_px = min(width, height) * math.hypot(matrix[0, 0], matrix[1, 0])
        (x, y), (w, h) = inner_low, inner_high - inner_low
        box = (float(x / width_px), float(y / height_px), float(w / width_px), float(h / height_px))
        seen.append(TruthFace(person.person_id, box, whole and shorter_px >= MIN_FACE_PX))
    return tuple(seen)


def enrollment_picture(person: Person) -> bytes:
    """A JPEG of this one person: closer, brighter and sharper than any frame of the film."""
    left, top, width, height = person.face_ltwh_px
    margin, scale = 0.55, 1.6
    side_px = (1 + 2 * margin) * max(width, height)
    corner = (left + width / 2 - side_px / 2, top + height / 2 - side_px / 2)
    matrix = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
    size_px = round(scale * side_px)
    pixels = cv2.warpAffine(stage(), matrix, (size_px, size_px), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return _jpeg(cv2.convertScaleAbs(pixels, alpha=1.06, beta=6), 94)


def _between(shots: tuple[Shot, ...], at_s: float) -> Shot:
    if at_s >= shots[-1].at_s:
        return shots[-1]
    after = next(number for number, shot in enumerate(shots) if shot.at_s > at_s)
    one, two = shots[after - 1], shots[after]
    part = (at_s - one.at_s) / (two.at_s - one.at_s)
    eased = part * part * (3 - 2 * part)  # smoothstep: a camera that starts and stops softly

    def mixed(a: float, b: float) -> float:
        return a + (b - a) * eased

    return Shot(at_s, mixed(one.x_px, two.x_px), mixed(one.y_px, two.y_px), mixed(one.width_px, two.width_px))


class _Weather:
    """What disturbs one camera: slow waves of light, focus, tilt, shake and compression, and noise."""

    def __init__(self, random: np.random.Generator) -> None:
        self._phases = random.uniform(0, 2 * math.pi, 7)
        width_px, height_px = FRAME_WH_PX
        # one sheet of noise, laid on at another place each frame: as good to the eye as a new one, and cheap
        self._noise = random.normal(0, 3.0, (2 * height_px, 2 * width_px, 3)).astype(np.int16)

    def _wave(self, which: int, at_s: float, period_s: float) -> float:
        return math.sin(2 * math.pi * at_s / period_s + self._phases[which])

    def tilt_deg(self, at_s: float) -> float:
        return 4.0 * self._wave(0, at_s, 7.0)

    def shaken(self, matrix: Matrix, at_s: float) -> Matrix:
        shift_px = np.array([2.5 * self._wave(1, at_s, 1.9), 2.0 * self._wave(2, at_s, 1.3)])
        return np.column_stack([matrix[:, :2], matrix[:, 2] + shift_px])

    def photograph(self, matrix: Matrix, at_s: float, random: np.random.Generator) -> bytes:
        width_px, height_px = FRAME_WH_PX
        pixels = cv2.warpAffine(stage(), matrix, FRAME_WH_PX, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        sigma_px = 0.5 + 0.7 * self._wave(3, at_s, 5.3)
        if sigma_px > 0.2:
            pixels = cv2.GaussianBlur(pixels, (0, 0), sigma_px)
        gain, offset = 0.95 + 0.2 * self._wave(4, at_s, 6.1), 8.0 * self._wave(5, at_s, 9.7)
        down, right = random.integers(0, height_px), random.integers(0, width_px)
        noise = self._noise[down : down + height_px, right : right + width_px]
        lit = np.clip(pixels * np.float32(gain) + np.float32(offset) + noise, 0, 255).astype(np.uint8)
        return _jpeg(lit, round(74 + 16 * self._wave(6, at_s, 8.3)))


def _jpeg(pixels_bgr: NDArray[Any], quality: int) -> bytes:
    _, encoded = cv2.imencode(".jpg", pixels_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()
