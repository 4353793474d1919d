from pathlib import Path

import cv2
import numpy as np
import pytest

from streams.edge.errors import SourceError
from streams.edge.opening import open_source
from streams.edge.sources import Looped, PictureFiles, Source, VideoFile, without_credentials

GREYS = (20, 80, 140, 200)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Four frames of 64x48, each one grey, at 12.5 frames a second."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 12.5, (64, 48))
    for grey in GREYS:
        writer.write(np.full((48, 64, 3), grey, np.uint8))
    writer.release()
    return path


def opened(text: object, *, loop: bool = False, jpeg_quality: int = 90) -> Source:
    return open_source(str(text), jpeg_quality=jpeg_quality, loop=loop, max_fps=None, notice=lambda _line: None)


def greys(encoded: list[bytes]) -> list[float]:
    return [float(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).mean()) for picture in encoded]


def test_a_video_gives_its_frames_as_jpeg(video: Path) -> None:
    source = opened(video)

    pictures = list(source)

    assert (source.total, source.fps, source.live) == (4, 12.5, False)
    assert all(picture.encoded.startswith(b"\xff\xd8\xff") for picture in pictures)
    assert all(picture.captured_at_ms is None for picture in pictures)
    assert greys([picture.encoded for picture in pictures]) == pytest.approx(GREYS, abs=3)


def test_a_video_can_be_read_again(video: Path) -> None:
    source = opened(video)

    assert len(list(source)) == len(list(source)) == 4


def test_jpeg_quality_is_kept_to(tmp_path: Path) -> None:
    path = tmp_path / "noise.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (64, 48))
    writer.write(np.random.default_rng(7).integers(0, 256, (48, 64, 3), np.uint8))
    writer.release()

    low, high = (len(next(iter(opened(path, jpeg_quality=quality))).encoded) for quality in (10, 95))

    assert low * 2 < high


def test_a_loop_begins_again_until_it_is_closed(video: Path) -> None:
    source = opened(video, loop=True)
    taken = []

    for picture in source:
        taken.append(picture.encoded)
        if len(taken) == 10:
            source.close()

    assert source.total is None
    assert source.fps == 12.5
    assert greys(taken) == pytest.approx((GREYS * 3)[:10], abs=3)


def test_a_directory_gives_its_pictures_by_name_and_unchanged(tmp_path: Path) -> None:
    (tmp_path / "b.JPG").write_bytes(b"second")
    (tmp_path / "a.png").write_bytes(b"first")
    (tmp_path / "c.webp").write_bytes(b"third")
    (tmp_path / "notes.txt").write_bytes(b"no picture")

    source = opened(tmp_path)

    assert [picture.encoded for picture in source] == [b"first", b"second", b"third"]
    assert (source.total, source.fps) == (3, None)


def test_a_picture_is_passed_on_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "one.jpeg"
    path.write_bytes(b"not decoded here")

    source = opened(path)

    assert isinstance(source, PictureFiles)
    assert [picture.encoded for picture in source] == [b"not decoded here"]


def test_a_closed_source_ends(video: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"first")
    for source in (opened(video), opened(tmp_path)):
        source.close()
        assert list(source) == []


def test_an_empty_picture_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")

    with pytest.raises(SourceError, match="the file is empty"):
        list(opened(tmp_path))


def test_a_picture_that_went_away_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"first")
    source = opened(path)
    path.unlink()

    with pytest.raises(SourceError, match=rf"^{path}: No such file or directory$"):
        list(source)


def test_a_looped_source_is_one_whatever_is_inside(video: Path) -> None:
    looped = Looped(VideoFile(str(video)))

    assert (looped.name, looped.live) == (str(video), False)


@pytest.mark.parametrize(
    ("address", "printed"),
    [
        ("clip.mp4", "clip.mp4"),
        ("rtsp://cam:554/a", "rtsp://cam:554/a"),
        ("rtsp://u:p@cam:554/a?key=s#f", "rtsp://cam:554/a"),
        ("http://u:p@q@[::1]:80/a", "http://[::1]:80/a"),
    ],
)
def test_credentials_are_not_printed(address: str, printed: str) -> None:
    assert without_credentials(address) == printed
