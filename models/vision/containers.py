"""Reads the outside of JPEG, PNG and WebP files: how large the picture is, and whether the file is whole.

Nothing is decoded and nothing of the picture's size is allocated. Each reader walks the file's own structure to
its end mark, since decoders hand out half a picture where a file was cut: OpenCV fills the rest with grey.
"""

import re
import struct
from dataclasses import dataclass
from typing import NoReturn

from models.errors import PictureCode, PictureError

MAX_PARTS = 65_536
"""Chunks or segments in a file; beyond it the walk itself would be work that a stranger can order."""

MAX_SCANS = 100
"""Scans of a progressive JPEG (encoders write about ten). Each costs a pass over the whole picture."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about its picture before it is decoded; sides as stored, before EXIF turns them."""

    media_type: str
    width_px: int
    height_px: int


def read_header(encoded: bytes) -> Header:
    """Type and size of a whole JPEG, PNG or WebP file.

    Raises PictureError: NOT_A_PICTURE for anything else and for a broken structure, TRUNCATED if the file ends
    before its end mark, ANIMATED for an animated PNG or WebP. Bytes behind the end mark are allowed.
    """
    try:
        if encoded.startswith(b"\xff\xd8\xff"):
            header = _read_jpeg(encoded)
        elif encoded.startswith(b"\x89PNG\r\n\x1a\n"):
            header = _read_png(encoded)
        elif encoded.startswith(b"RIFF") and encoded[8:12] == b"WEBP":
            header = _read_webp(encoded)
        else:
            _refuse("neither JPEG, PNG nor WebP")
    except (struct.error, IndexError) as error:
        raise PictureError(PictureCode.TRUNCATED, f"the file ends too early, after {len(encoded)} bytes") from error
    if not (header.width_px and header.height_px):
        _refuse("a side of no pixels")
    return header


def _refuse(detail: str) -> NoReturn:
    raise PictureError(PictureCode.NOT_A_PICTURE, detail)


_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# SOF0 to SOF15 state the size; the codes among them that are something else are DHT, JPG and DAC.
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Within a scan FF00 stands for a byte FF and FFD0 to FFD7 restart it; any other code ends it, after padding of FFs.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _read_jpeg(encoded: bytes) -> Header:
    """Walk the segments to the end-of-image marker: ITU-T T.81, annex B."""
    sides: tuple[int, int] | None = None
    scans, position = 0, 2
    for _ in range(MAX_PARTS):
        position = _marker(encoded, position)
        code = encoded[position + 1]
        if code == _END_OF_IMAGE:
            break
        (length,) = struct.unpack_from(">H", encoded, position + 2)
        if code in _FRAME_HEADERS:
            if sides is not None:
                _refuse("a JPEG with two frame headers")
            height, width = struct.unpack_from(">HH", encoded, position + 5)
            sides = (width, height)
        position += 2 + length
        if code == _START_OF_SCAN:
            scans += 1
            position = _end_of_scan(encoded, position)
    else:
        _refuse(f"a JPEG of more than {MAX_PARTS} segments")
    if sides is None or not 0 < scans <= MAX_SCANS:
        _refuse(f"a JPEG with {scans} scans and {'no' if sides is None else 'a'} frame header")
    return Header("image/jpeg", *sides)


def _marker(encoded: bytes, position: int) -> int:
    """Where the marker begins that is due at `position`: any number of FFs may stand before its code."""
    if encoded[position] != 0xFF:
        _refuse(f"a JPEG with no marker at byte {position}")
    while encoded[position + 1] == 0xFF:
        position += 1
    return position


def _end_of_scan(encoded: bytes, position: int) -> int:
    end = _END_OF_SCAN.search(encoded, position)
    if end is None:
        raise PictureError(PictureCode.TRUNCATED, f"a JPEG cut within a scan, after {len(encoded)} bytes")
    return end.start()


def _read_png(encoded: bytes) -> Header:
    """Walk the chunks to IEND: PNG specification, section 5. The decoder checks each chunk's checksum itself."""
    length, kind, width, height = struct.unpack_from(">I4sII", encoded, 8)
    if kind != b"IHDR":
        _refuse("a PNG that does not begin with IHDR")
    position = 8
    for _ in range(MAX_PARTS):
        length, kind = struct.unpack_from(">I4s", encoded, position)
        if kind == b"acTL":
            raise PictureError(PictureCode.ANIMATED, "an animated PNG")
        position += 12 + length
        if kind == b"IEND":
            break
    else:
        _refuse(f"a PNG of more than {MAX_PARTS} chunks")
    if position > len(encoded):
        raise PictureError(PictureCode.TRUNCATED, f"a PNG cut within its end mark, after {len(encoded)} bytes")
    return Header("image/png", width, height)


_ANIMATION_FLAG = 0x02


def _read_webp(encoded: bytes) -> Header:
    """Walk the chunks to the end that the RIFF header states: RFC 9649, sections 2.3 to 2.7."""
    (riff_size,) = struct.unpack_from("<I", encoded, 4)
    end, position = 8 + riff_size, 12
    if end > len(encoded):
        raise PictureError(PictureCode.TRUNCATED, f"a WebP of {end} bytes cut after {len(encoded)}")
    canvas: tuple[int, int] | None = None
    image: tuple[int, int] | None = None
    while position + 8 <= end and image is None:
        kind, length = struct.unpack_from("<4sI", encoded, position)
        content = position + 8
        if content + length > end:
            _refuse("a WebP with a chunk that is longer than the file")
        if kind in {b"ANIM", b"ANMF"} or (kind == b"VP8X" and encoded[content] & _ANIMATION_FLAG):
            raise PictureError(PictureCode.ANIMATED, "an animated WebP")
        if kind == b"VP8X":
            canvas = (1 + _uint24(encoded, content + 4), 1 + _uint24(encoded, content + 7))
        elif kind in {b"VP8 ", b"VP8L"}:
            image = _bitstream_sides(encoded, content, lossless=kind == b"VP8L")
        position = content + length + length % 2
    if image is None or canvas not in {None, image}:
        _refuse(f"a WebP with a picture of {image} on a canvas of {canvas}")
    return Header("image/webp", *image)


def _bitstream_sides(encoded: bytes, content: int, *, lossless: bool) -> tuple[int, int]:
    """Width and height: 14 bits each, behind a signature byte (VP8L) or a frame tag and start code (VP8)."""
    if lossless:
        (bits,) = struct.unpack_from("<I", encoded, content + 1)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", encoded, content + 6)
    return width & 0x3FFF, height & 0x3FFF


def _uint24(encoded: bytes, position: int) -> int:
    return int.from_bytes(encoded[position : position + 3], "little")
