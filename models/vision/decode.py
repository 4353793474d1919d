"""Decode: from encoded bytes to pixels, with every limit checked before memory is taken."""

from typing import Protocol

import cv2
import numpy as np

from models.errors import PictureCode, PictureError
from models.types import Picture, UInt8
from models.vision.containers import Header, read_header


class Decoder(Protocol):
    """Bytes in, a picture out."""

    def decode(self, encoded: bytes) -> Picture:
        """The upright picture of a JPEG, PNG or WebP file.

        Transparency is dropped, grey and CMYK become blue, green, red, 16 bits become 8. Raises PictureError, and
        nothing else, for bytes that are no whole still picture within the limits.
        """
        ...


class OpenCVDecoder:
    """Decodes with OpenCV what `containers.read_header` found whole. Safe to share between threads."""

    def __init__(self, *, max_bytes: int, max_pixels: int) -> None:
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels

    def decode(self, encoded: bytes) -> Picture:
        """See `Decoder`. EXIF orientation is honoured."""
        if not encoded:
            raise PictureError(PictureCode.EMPTY, "no bytes")
        if len(encoded) > self._max_bytes:
            raise PictureError(
                PictureCode.TOO_MANY_BYTES, f"{len(encoded)} bytes, of which {self._max_bytes} are allowed"
            )
        header = read_header(encoded)
        if header.width_px * header.height_px > self._max_pixels:
            raise PictureError(
                PictureCode.TOO_MANY_PIXELS,
                f"{header.width_px} x {header.height_px} pixels, of which {self._max_pixels} are allowed",
            )
        pixels_bgr = _decode(encoded, header)
        if header.media_type == "image/jpeg" and _lost_its_tail(encoded, header, pixels_bgr):
            raise PictureError(PictureCode.TRUNCATED, "a JPEG whose last scan ends before the picture does")
        return Picture(pixels_bgr, header.media_type)


def _decode(encoded: bytes, header: Header) -> UInt8:
    try:
        pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PictureError(PictureCode.NOT_A_PICTURE, f"a broken {header.media_type}") from error
    if pixels is None:
        raise PictureError(PictureCode.NOT_A_PICTURE, f"a broken {header.media_type}")
    if sorted(pixels.shape[:2]) != sorted((header.width_px, header.height_px)):
        raise PictureError(PictureCode.NOT_A_PICTURE, f"a {header.media_type} that contradicts its header")
    return np.asarray(pixels, np.uint8)


_MID_GREY = 128
# Any bytes would do that decode to something; none is FF, which would begin a marker.
_MORE_SCAN = bytes((37 * n + 11) % 251 for n in range(512))


def _lost_its_tail(encoded: bytes, header: Header, pixels_bgr: UInt8) -> bool:
    """Whether an end mark was put behind a scan that had been cut, as some cameras do.

    libjpeg paints blocks it has no data for in exact mid grey. Where a corner is that grey (each may be the last
    block, by orientation), decode once more with bytes added to the last scan: a complete one ignores them.
    """
    corners = pixels_bgr[[0, 0, -1, -1], [0, -1, 0, -1]]
    if not (corners == _MID_GREY).all(axis=1).any():
        return False
    end = encoded.rfind(b"\xff\xd9")
    return not np.array_equal(_decode(encoded[:end] + _MORE_SCAN + encoded[end:], header), pixels_bgr)
