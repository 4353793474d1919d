"""What a user calls a source, made into one."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2

from streams.edge.errors import SourceError
from streams.edge.live import Capture, LiveCamera
from streams.edge.sources import (
    PICTURE_SUFFIXES,
    TIMEOUTS,
    Looped,
    Source,
    VideoFile,
    picture_files,
    without_credentials,
)

RECORDING_SCHEMES: Final = ("http", "https")
"""Schemes that serve recordings as well as live pictures."""


def open_source(
    text: str, *, jpeg_quality: int, loop: bool, max_fps: float | None, notice: Callable[[str], None]
) -> Source:
    """A video file, a picture, a directory of pictures, a camera's index, or an RTSP or HTTP address.

    loop: begin again at the end. max_fps: bounds live cameras, which drop frames; the others are
    paced by whoever reads them. notice: told in one line when a live camera is lost and returns.
    Raises SourceError.
    """

    def live(name: str, open_capture: Callable[[], Capture]) -> LiveCamera:
        if loop:
            raise SourceError(f"{name}: a live camera has no end to loop at")
        return LiveCamera(name, open_capture, jpeg_quality=jpeg_quality, max_fps=max_fps, notice=notice)

    scheme, separator, _ = text.partition("://")
    if text.isdecimal():
        return live(f"camera {text}", lambda: cv2.VideoCapture(int(text)))
    if separator and not (scheme.lower() in RECORDING_SCHEMES and _is_recording(text)):
        return live(without_credentials(text), lambda: cv2.VideoCapture(text, cv2.CAP_FFMPEG, TIMEOUTS))
    source = VideoFile(text, jpeg_quality=jpeg_quality) if separator else _file(Path(text), jpeg_quality)
    return Looped(source) if loop else source


def _is_recording(address: str) -> bool:
    try:
        return VideoFile(address).total is not None
    except SourceError:
        return False


def _file(path: Path, jpeg_quality: int) -> Source:
    if not path.exists():
        raise SourceError(f"{path}: no such file or directory")
    if path.is_dir() or path.suffix.lower() in PICTURE_SUFFIXES:
        return picture_files(path)
    return VideoFile(str(path), jpeg_quality=jpeg_quality)
