"""The search for pictures in files: what is one is found, whole or in part, and what only looks alike is not."""

import base64
import random
from pathlib import Path

import cv2
import numpy as np
import pytest

from streams.audit import pictures
from streams.audit.pictures import (
    STRIDE_BYTES,
    WINDOW_BYTES,
    Found,
    Shingles,
    files_under,
    marker_in,
    markers,
    scan,
    spellings,
)

ENDINGS = {".jpg": "JPEG", ".png": "PNG", ".webp": "WebP"}
LEAST_PIECE = STRIDE_BYTES + WINDOW_BYTES - 1


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (96, 80, 3), np.uint8)


@pytest.fixture(scope="module")
def encoded(pixels) -> dict[str, bytes]:
    return {ending: cv2.imencode(ending, pixels)[1].tobytes() for ending in ENDINGS}


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_picture_anywhere_in_a_file_is_found_with_its_place(tmp_path, encoded, ending) -> None:
    path = tmp_path / "facestreams.main.camera-frames-3" / "00000000000000000000.log"
    path.parent.mkdir()
    path.write_bytes(noise(1000) + encoded[ending] + noise(1000))
    first = next(markers(path))
    assert first == Found(path, 1000, ENDINGS[ending], "facestreams.main.camera-frames", 3)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_picture_in_base64_is_found(encoded, ending) -> None:
    assert marker_in(b'{"input": "' + base64.b64encode(encoded[ending]) + b'"}') == "base64"


@pytest.mark.parametrize("ending", [".jpg", ".png"])
def test_a_picture_without_its_first_bytes_is_found(encoded, ending) -> None:
    assert marker_in(encoded[ending][20 if ending == ".jpg" else 8 :]) == ENDINGS[ending]


@pytest.mark.parametrize(
    "head", [b"\xff\xd8\xff\xe1\x12\x34Exif\0\0", b"\xff\xd8\xff\xdb\x00\x43\x00", b"\xff\xd8\xff\xe2..ICC_PROFILE"]
)
def test_every_way_in_which_a_jpeg_begins(head) -> None:
    assert marker_in(b"x" + head) == "JPEG"


def test_random_bytes_and_our_records_are_no_pictures() -> None:
    assert marker_in(noise(4_000_000)) is None
    assert marker_in(b"\xff\xd8\xff and RIFF1234WAVE and PNG and /9j/ " * 100) is None


def test_what_lies_across_two_blocks_is_found_once(tmp_path, encoded, monkeypatch) -> None:
    monkeypatch.setattr(pictures, "BLOCK_BYTES", 1000)
    for at in range(900, 1010):
        path = tmp_path / "file"
        path.write_bytes(noise(at) + encoded[".png"][:8] + noise(1500))
        assert [(each.offset, each.what) for each in markers(path)] == [(at, "PNG")]


def test_any_piece_of_a_known_picture_is_found(encoded, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pictures, "BLOCK_BYTES", 1000)
    known = Shingles([encoded[".jpg"]])
    path = tmp_path / "file"
    for start in range(700, 800):
        piece = encoded[".jpg"][start : start + LEAST_PIECE]
        path.write_bytes(noise(950) + piece + noise(100))
        [found] = known.find(path)
        assert 950 <= found.offset <= 950 + STRIDE_BYTES
        assert (found.what, found.topic, found.partition) == ("known", None, None)


def test_a_crop_is_found_by_its_pixels(pixels) -> None:
    known = Shingles([pixels[20:60, 10:50].tobytes()])
    assert known.offset_in(b"header" + pixels.tobytes()) is not None
    assert known.offset_in(noise(1_000_000)) is None


@pytest.mark.parametrize("spelt", [bytes.hex, repr, lambda raw: base64.b64encode(raw).decode()])
def test_a_piece_of_a_picture_in_a_line_of_a_log_is_found(encoded, spelt) -> None:
    known = Shingles(spellings(encoded[".jpg"]))
    assert known.offset_in(f"request failed: {spelt(encoded['.jpg'][701:801])}".encode()) is not None
    assert known.offset_in(f"request failed: {spelt(noise(100_000))}".encode()) is None


def test_a_flat_wall_is_no_picture() -> None:
    assert len(Shingles([b"\x74\x7c\x84" * 1000, bytes(1000), b""])) == 0
    assert Shingles([]).offset_in(bytes(100)) is None


@pytest.mark.parametrize("size", [0, 1, 7, 8, 31, 32])
def test_files_of_any_size_are_read(tmp_path, encoded, size) -> None:
    path = tmp_path / "file"
    path.write_bytes(encoded[".jpg"][600 : 600 + size])
    assert [each.offset for each in Shingles([encoded[".jpg"][600:700]]).find(path)] == ([0] if size == 32 else [])
    assert list(markers(path)) == []


def test_a_file_that_vanishes_holds_nothing(tmp_path, encoded) -> None:
    assert list(markers(tmp_path / "gone")) == []
    assert list(Shingles([encoded[".png"]]).find(tmp_path / "gone")) == []
    assert list(files_under(tmp_path / "gone")) == []


@pytest.mark.parametrize(
    ("directory", "topic", "partition"),
    [
        ("a.b-c.camera-frames-11", "a.b-c.camera-frames", 11),
        ("a.camera-frames-1.0123456789abcdef0123456789abcdef-delete", "a.camera-frames", 1),
        ("snapshots", None, None),
    ],
)
def test_all_files_are_looked_at_and_links_are_not_followed(tmp_path, encoded, directory, topic, partition) -> None:
    place = tmp_path / directory
    place.mkdir()
    (place / ".hidden.deleted").write_bytes(encoded[".webp"])
    (tmp_path / "link").symlink_to(place)
    (tmp_path / "another").symlink_to(place / ".hidden.deleted")
    (tmp_path / "empty").touch()
    found = list(scan([tmp_path], Shingles(encoded.values())))
    assert {(each.path.name, each.what, each.topic, each.partition) for each in found} == {
        (".hidden.deleted", "WebP", topic, partition),
        (".hidden.deleted", "known", topic, partition),
    }


def test_many_finds_side_by_side_are_one(tmp_path: Path, encoded) -> None:
    path = tmp_path / "file"
    path.write_bytes(encoded[".jpg"] * 3 + bytes(100_000) + encoded[".jpg"])
    kinds = [each.what for each in scan([tmp_path], Shingles([encoded[".jpg"]]))]
    assert kinds == ["JPEG", "JPEG", "known", "known"]
