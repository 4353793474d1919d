import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.errors import PictureCode, PictureError
from models.vision.containers import MAX_PARTS, MAX_SCANS, Header, read_header

PICTURE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (30, 50, 3), dtype=np.uint8))


def encode(form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    PICTURE.save(stream, form, **options)
    return stream.getvalue()


def code_of(encoded: bytes) -> PictureCode:
    with pytest.raises(PictureError) as caught:
        read_header(encoded)
    return caught.value.code


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize(
    ("encoded", "media_type"),
    [
        (encode("JPEG"), "image/jpeg"),
        (encode("JPEG", progressive=True), "image/jpeg"),
        (encode("JPEG", restart_marker_blocks=1), "image/jpeg"),
        (encode("JPEG", comment=b"a comment with \xff\xd9 in it"), "image/jpeg"),
        (encode("PNG"), "image/png"),
        (encode("WEBP"), "image/webp"),
        (encode("WEBP", lossless=True), "image/webp"),
        (encode("WEBP", exif=Image.Exif().tobytes() + b"\0"), "image/webp"),
    ],
)
def test_size_and_type_are_read(encoded: bytes, media_type: str) -> None:
    assert read_header(encoded) == Header(media_type, 50, 30)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_bytes_behind_the_end_mark_are_allowed(form: str) -> None:
    assert read_header(encode(form) + b"trailer\xff\xd8\0") == read_header(encode(form))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_no_cut_is_taken_for_a_whole_file(form: str) -> None:
    encoded = encode(form)
    codes = {code_of(encoded[:length]) for length in range(12, len(encoded))}
    assert codes == {PictureCode.TRUNCATED}


def test_padding_before_a_marker_is_skipped() -> None:
    encoded = encode("JPEG")
    assert read_header(encoded[:2] + b"\xff\xff" + encoded[2:]) == Header("image/jpeg", 50, 30)


def test_a_jpeg_with_a_thumbnail_must_itself_be_whole() -> None:
    thumbnail = encode("JPEG")
    segment = b"\xff\xe2" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    encoded = thumbnail[:2] + segment + thumbnail[2:]
    assert read_header(encoded) == Header("image/jpeg", 50, 30)
    assert code_of(encoded[:-40]) == PictureCode.TRUNCATED


@pytest.mark.parametrize(
    "encoded",
    [
        b"no picture at all",
        b"GIF89a" + bytes(40),
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\x00\x04\x00\x00no marker",
        b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", bytes(30)) + chunk(b"IEND", b""),
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">II5B", 0, 9, 8, 2, 0, 0, 0)) + chunk(b"IEND", b""),
        b"RIFF" + struct.pack("<I", 4) + b"WEBP",
        b"RIFF" + struct.pack("<I", 12) + b"WEBP" + b"VP8 " + struct.pack("<I", 1_000_000),
        b"\xff\xd8\xff\xc0\x00\x08" + bytes(6) + b"\xff\xc0\x00\x08" + bytes(6) + b"\xff\xd9",
    ],
)
def test_what_is_no_picture_is_refused(encoded: bytes) -> None:
    assert code_of(encoded) == PictureCode.NOT_A_PICTURE


def test_a_jpeg_of_very_many_scans_is_refused() -> None:
    encoded = encode("JPEG")
    start = encoded.index(b"\xff\xda")
    scan = encoded[start:-2]
    assert read_header(encoded[:start] + scan * MAX_SCANS + b"\xff\xd9") == Header("image/jpeg", 50, 30)
    assert code_of(encoded[:start] + scan * (MAX_SCANS + 1) + b"\xff\xd9") == PictureCode.NOT_A_PICTURE


def test_a_file_of_very_many_parts_is_refused() -> None:
    jpeg, png = encode("JPEG"), encode("PNG")
    assert code_of(jpeg[:2] + b"\xff\xfe\x00\x02" * MAX_PARTS + jpeg[2:]) == PictureCode.NOT_A_PICTURE
    assert code_of(png[:33] + chunk(b"tEXt", b"") * MAX_PARTS + png[33:]) == PictureCode.NOT_A_PICTURE


def test_a_webp_chunk_of_odd_length_is_padded() -> None:
    image = encode("WEBP")[12:]
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (49).to_bytes(3, "little") + (29).to_bytes(3, "little")
    profile = b"ICCP" + struct.pack("<I", 3) + b"abc" + b"\0"
    content = b"WEBP" + canvas + profile + image
    assert read_header(b"RIFF" + struct.pack("<I", len(content)) + content) == Header("image/webp", 50, 30)


def test_a_webp_canvas_must_be_that_of_its_picture() -> None:
    encoded = bytearray(encode("WEBP", exif=Image.Exif().tobytes() + b"\0"))
    encoded[encoded.index(b"VP8X") + 12] += 1
    assert code_of(bytes(encoded)) == PictureCode.NOT_A_PICTURE


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_animated_pictures_are_refused(form: str) -> None:
    encoded = encode(form, save_all=True, append_images=[PICTURE.rotate(180)], duration=100)
    assert code_of(encoded) == PictureCode.ANIMATED
