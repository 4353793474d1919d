import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.errors import PictureCode, PictureError
from models.types import Picture
from models.vision import decode
from models.vision.containers import Header
from models.vision.decode import OpenCVDecoder

DECODER = OpenCVDecoder(max_bytes=2_000_000, max_pixels=2_000_000)

FORMS: dict[str, dict[str, Any]] = {
    "jpeg": {"format": "JPEG", "quality": 85},
    "progressive jpeg": {"format": "JPEG", "progressive": True},
    "jpeg with restarts": {"format": "JPEG", "restart_marker_blocks": 8},
    "grey jpeg": {"format": "JPEG", "mode": "L"},
    "png": {"format": "PNG"},
    "png with alpha": {"format": "PNG", "mode": "RGBA"},
    "webp": {"format": "WEBP"},
    "lossless webp": {"format": "WEBP", "lossless": True},
    "webp with alpha": {"format": "WEBP", "mode": "RGBA"},
}


def encode(image: Image.Image, *, mode: str = "RGB", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.convert(mode).save(stream, **options)
    return stream.getvalue()


def code_of(encoded: bytes, decoder: OpenCVDecoder = DECODER) -> PictureCode:
    with pytest.raises(PictureError) as caught:
        decoder.decode(encoded)
    return caught.value.code


@pytest.fixture(scope="module")
def photograph(astronaut: Picture) -> Image.Image:
    return Image.fromarray(astronaut.pixels_bgr[:, :, ::-1]).resize((320, 240))


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_picture_is_decoded(form: str, photograph: Image.Image) -> None:
    options = FORMS[form]
    picture = DECODER.decode(encode(photograph, **options))
    expected_rgb = np.asarray(photograph.convert(options.get("mode", "RGB")).convert("RGB"), np.float32)
    assert picture.media_type == f"image/{options['format'].lower()}"
    assert (picture.width_px, picture.height_px) == (320, 240)
    assert np.abs(picture.pixels_bgr[:, :, ::-1] - expected_rgb).mean() < 5


@pytest.mark.parametrize("form", FORMS)
def test_no_cut_is_taken_for_a_frame(form: str, photograph: Image.Image) -> None:
    encoded = encode(photograph, **FORMS[form])
    cuts = [len(encoded) * step // 60 for step in range(1, 60)] + [len(encoded) - 1, len(encoded) - 2]
    assert {code_of(encoded[:cut]) for cut in cuts} == {PictureCode.TRUNCATED}


def test_no_cut_of_a_large_photograph_is_taken_for_a_frame(six_people_jpeg: bytes) -> None:
    assert DECODER.decode(six_people_jpeg).pixels_bgr.shape == (886, 1280, 3)
    cuts = [len(six_people_jpeg) * step // 50 for step in range(1, 50)]
    assert {code_of(six_people_jpeg[:cut]) for cut in cuts} == {PictureCode.TRUNCATED}


def test_an_end_mark_put_behind_a_cut_scan_does_not_help(photograph: Image.Image) -> None:
    encoded = encode(photograph, **FORMS["jpeg"])
    scan = encoded.index(b"\xff\xda") + 14
    cuts = [scan + (len(encoded) - scan) * step // 30 for step in range(1, 29)]
    assert {code_of(encoded[:cut].rstrip(b"\xff") + b"\xff\xd9") for cut in cuts} == {PictureCode.TRUNCATED}


def test_a_picture_that_is_mid_grey_in_its_corners_is_whole() -> None:
    grey = Image.new("RGB", (64, 48), (128, 128, 128))
    grey.paste((200, 30, 90), (16, 16, 32, 32))
    picture = DECODER.decode(encode(grey, format="JPEG"))
    assert (picture.pixels_bgr[-1, -1] == 128).all()


@pytest.mark.parametrize("form", FORMS)
def test_broken_bytes_are_a_picture_or_a_refusal(form: str, photograph: Image.Image) -> None:
    encoded = encode(photograph.resize((64, 48)), **FORMS[form])
    random = np.random.default_rng(5)
    for _ in range(150):
        broken = np.frombuffer(encoded, np.uint8).copy()
        broken[random.integers(0, len(broken), random.integers(1, 6))] = random.integers(0, 256)
        try:
            picture = DECODER.decode(broken.tobytes())
        except PictureError:
            continue
        assert picture.pixels_bgr.dtype == np.uint8


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "red_corner"),
    [(1, (0, 0)), (2, (0, -1)), (3, (-1, -1)), (4, (-1, 0)), (5, (0, 0)), (6, (0, -1)), (7, (-1, -1)), (8, (-1, 0))],
)
def test_exif_orientation_is_honoured(form: str, orientation: int, red_corner: tuple[int, int]) -> None:
    image = Image.new("RGB", (64, 32), "blue")
    image.paste("red", (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = DECODER.decode(encode(image, format=form, exif=exif))
    assert (picture.width_px, picture.height_px) == ((64, 32) if orientation < 5 else (32, 64))
    reds = {
        (row, column)
        for row in (0, -1)
        for column in (0, -1)
        if picture.pixels_bgr[row, column, 2] > picture.pixels_bgr[row, column, 0]
    }
    assert reds == {red_corner}


@pytest.mark.parametrize(
    ("mode", "form"),
    [("CMYK", "JPEG"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("1", "PNG"), ("I;16", "PNG"), ("RGBA", "WEBP")],
)
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (33, 17)])
def test_every_kind_of_pixel_becomes_eight_bit_bgr(mode: str, form: str, size: tuple[int, int]) -> None:
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, form)
    picture = DECODER.decode(stream.getvalue())
    assert picture.pixels_bgr.shape == (size[1], size[0], 3)


def test_limits_hold_to_the_byte_and_the_pixel(photograph: Image.Image) -> None:
    encoded = encode(photograph, format="PNG")
    pixels = 320 * 240
    OpenCVDecoder(max_bytes=len(encoded), max_pixels=pixels).decode(encoded)
    too_long = OpenCVDecoder(max_bytes=len(encoded) - 1, max_pixels=pixels)
    too_large = OpenCVDecoder(max_bytes=len(encoded), max_pixels=pixels - 1)
    assert code_of(encoded, too_long) == PictureCode.TOO_MANY_BYTES
    assert code_of(encoded, too_large) == PictureCode.TOO_MANY_PIXELS


def test_nothing_is_the_empty_picture() -> None:
    assert code_of(b"") == PictureCode.EMPTY


def test_a_refusal_names_sizes_and_never_bytes(photograph: Image.Image) -> None:
    with pytest.raises(PictureError, match=r"^too_many_pixels: 320 x 240 pixels, of which 10 are allowed$"):
        OpenCVDecoder(max_bytes=10**6, max_pixels=10).decode(encode(photograph, format="PNG"))


def test_a_whole_structure_around_broken_content_is_no_picture(photograph: Image.Image) -> None:
    encoded = bytearray(encode(photograph, format="PNG"))
    encoded[len(encoded) // 2] ^= 0xFF
    assert code_of(bytes(encoded)) == PictureCode.NOT_A_PICTURE


def test_a_decoder_that_saw_another_picture_than_the_header_is_not_believed(
    photograph: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "read_header", lambda _: Header("image/png", 10, 10))
    assert code_of(encode(photograph, format="PNG")) == PictureCode.NOT_A_PICTURE


def test_a_header_that_promises_gigabytes_is_refused_unread() -> None:
    header = struct.pack(">I4sII5B", 13, b"IHDR", 60_000, 60_000, 8, 2, 0, 0, 0) + bytes(4)
    encoded = b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I4s", 0, b"IEND") + bytes(4)
    assert code_of(encoded) == PictureCode.TOO_MANY_PIXELS
