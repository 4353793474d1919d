"""Broken and strange pictures without a broker: each is decoded, or refused as what it is; nothing else comes out."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import PictureCode, PictureError
from models.vision.decode import OpenCVDecoder
from tests.fuzz.pictures import PICTURES
from tests.fuzz.samples import SIDE_PX, whole

DECODER = OpenCVDecoder(max_bytes=4 * 1024 * 1024, max_pixels=33_177_600)
EACH = 25


def outcome(encoded: bytes) -> PictureCode | None:
    """None if it was decoded."""
    try:
        DECODER.decode(encoded)
    except PictureError as error:
        return error.code
    return None


@pytest.mark.parametrize("kind", PICTURES)
def test_each_kind_is_decoded_or_refused(kind: str) -> None:
    for number in range(EACH):
        outcome(PICTURES[kind](Random(f"{kind} {number}")))


@pytest.mark.parametrize("file", whole())
def test_the_samples_are_whole(file: bytes) -> None:
    picture = DECODER.decode(file)
    assert (picture.width_px, picture.height_px) == (SIDE_PX, SIDE_PX)


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("truncated", {PictureCode.TRUNCATED}),
        ("animated", {PictureCode.ANIMATED, PictureCode.NOT_A_PICTURE}),
        ("500 faces", {None}),
        ("extreme shapes", {None}),
    ],
)
def test_what_can_only_be_one_thing_is_that(kind: str, codes: set[PictureCode | None]) -> None:
    assert {outcome(PICTURES[kind](Random(f"{kind} {number}"))) for number in range(EACH)} <= codes


@given(file=st.sampled_from(whole()), at=st.integers(0, 2**20), piece=st.binary(max_size=6), cut=st.integers(0, 6))
def test_any_bytes_anywhere(file: bytes, at: int, piece: bytes, cut: int) -> None:
    at %= len(file)
    outcome(file[:at] + piece + file[at + cut :])


@given(st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x20\0\0\0WEBP"]), st.binary(max_size=200))
def test_any_bytes_behind_a_signature(signature: bytes, rest: bytes) -> None:
    outcome(signature + rest)
