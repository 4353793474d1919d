"""Whole pictures to be broken: a face, in every format that is taken, drawn from the demo's film; and one that is good.

Nothing is kept as a file: the faces come from installed packages.
"""

import io
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from streams.demo.cast import CAST
from streams.demo.film import enrollment_picture

PERSON_ID: Final = "gwen"
SIDE_PX: Final = 184
FORMATS: Final[tuple[tuple[str, Mapping[str, Any]], ...]] = (
    ("JPEG", {"quality": 85}),
    ("JPEG", {"quality": 85, "progressive": True}),
    ("JPEG", {"quality": 85, "restart_marker_blocks": 4}),
    ("PNG", {}),
    ("WEBP", {"quality": 80}),
    ("WEBP", {"lossless": True}),
)


@cache
def portrait() -> bytes:
    """To enroll PERSON_ID with: a JPEG."""
    return enrollment_picture(next(person for person in CAST if person.person_id == PERSON_ID))


@cache
def face() -> Image.Image:
    """PERSON_ID, SIDE_PX wide and high."""
    pixels = cv2.imdecode(np.frombuffer(portrait(), np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    small = cv2.resize(pixels, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return Image.fromarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))


@cache
def good_frame() -> bytes:
    """A frame in which PERSON_ID is recognised: a JPEG."""
    return encoded(face(), "JPEG", quality=90)


@cache
def whole() -> tuple[bytes, ...]:
    """The face as each of FORMATS has it."""
    return tuple(encoded(face(), kind, **options) for kind, options in FORMATS)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """The file that Pillow makes of it."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def crowd(columns: int, rows: int, face_px: int) -> NDArray[np.uint8]:
    """As many faces beside each other as the table has cells: uint8 (height, width, 3), RGB."""
    cell = np.asarray(face().resize((2 * face_px, 2 * face_px)))
    return np.tile(cell, (rows, columns, 1))


def small_frame(grey: int) -> bytes:
    """Nobody, and next to no work: a JPEG of 32 x 32 pixels."""
    return encoded(Image.new("L", (32, 32), grey), "JPEG")
