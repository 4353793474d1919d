import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from streams.edge import opening
from streams.edge.errors import SourceError
from streams.edge.live import LiveCamera
from streams.edge.opening import open_source
from streams.edge.sources import Looped, PictureFiles, Source, VideoFile


def opened(text: object, *, loop: bool = False) -> Source:
    return open_source(str(text), jpeg_quality=90, loop=loop, max_fps=None, notice=lambda _line: None)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (64, 48))
    for grey in (20, 200):
        writer.write(np.full((48, 64, 3), grey, np.uint8))
    writer.release()
    return path


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The test's directory over HTTP, on loopback."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_files_are_told_apart_by_what_they_are(video: Path, tmp_path: Path) -> None:
    (tmp_path / "one.PNG").write_bytes(b"picture")

    assert isinstance(opened(video), VideoFile)
    assert isinstance(opened(tmp_path), PictureFiles)
    assert isinstance(opened(tmp_path / "one.PNG"), PictureFiles)
    assert isinstance(opened(video, loop=True), Looped)


def test_a_recording_at_an_address_ends(video: Path, address: str) -> None:
    source = opened(f"{address}/{video.name}?token=hunter2")

    assert (source.name, source.live, source.total) == (f"{address}/clip.avi", False, 2)
    assert len(list(source)) == 2


class Capture:
    def isOpened(self) -> bool:
        return True


def test_indexes_and_addresses_are_live(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def capture(*arguments: object) -> Capture:
        asked.append(arguments[0])
        return Capture()

    monkeypatch.setattr(opening.cv2, "VideoCapture", capture)

    sources = [opened("0"), opened("rtsp://u:p@cam/door")]

    assert all(isinstance(source, LiveCamera) for source in sources)
    assert [source.name for source in sources] == ["camera 0", "rtsp://cam/door"]
    assert asked == [0, "rtsp://u:p@cam/door"]


@pytest.mark.parametrize("text", ["0", "rtsp://cam/door"])
def test_a_live_camera_cannot_loop(text: str) -> None:
    with pytest.raises(SourceError, match="a live camera has no end to loop at"):
        opened(text, loop=True)


def test_what_cannot_be_opened_is_said_in_one_line(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.mp4"
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 100)
    empty = tmp_path / "empty"
    empty.mkdir()

    for path, message in (
        (nothing, "no such file or directory"),
        (broken, "not a video that can be opened"),
        (empty, r"no picture in this directory \(.jpeg, .jpg, .png, .webp\)"),
    ):
        with pytest.raises(SourceError, match=rf"^{path}: {message}$"):
            opened(path)


def test_an_unreachable_camera_is_refused_without_its_password() -> None:
    with pytest.raises(SourceError) as refused:
        opened("rtsp://ada:hunter2@127.0.0.1:1/door?token=hunter2")

    assert str(refused.value) == "rtsp://127.0.0.1:1/door: cannot be opened"
