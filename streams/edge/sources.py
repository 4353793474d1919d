"""Where frames come from: recordings and pictures (live cameras are in live.py).

A source is asked for its pictures one after the other, from one thread at a time; reading may block.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit, urlunsplit

import cv2
from cv2.typing import MatLike

from streams.edge.errors import SourceError

PICTURE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})
DEFAULT_JPEG_QUALITY: Final = 90

TIMEOUTS: Final = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 10_000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 10_000)
"""For whatever FFMPEG reads over a network; files do not mind."""


@dataclass(frozen=True, slots=True)
class SourcePicture:
    """An encoded picture (JPEG, PNG or WebP); captured_at_ms since 1970, None where the source has no such time."""

    encoded: bytes
    captured_at_ms: int | None = None


class Source(Protocol):
    """name: for messages, without credentials. total: pictures in one pass, None if that is not known.

    fps: the rate at which it was recorded; None for pictures and for live sources. live: it ends only
    when it is closed.
    """

    name: str
    total: int | None
    fps: float | None
    live: bool

    def __iter__(self) -> Iterator[SourcePicture]:
        """Its pictures from the beginning. Raises SourceError; never yields an empty picture."""
        ...

    def close(self) -> None:
        """End a running iteration, from any thread, at its next picture."""
        ...


class PictureFiles:
    """Pictures in the order given; their bytes are passed on unchanged."""

    fps: float | None = None
    live = False

    def __init__(self, name: str, paths: tuple[Path, ...]) -> None:
        self.name = name
        self.total: int | None = len(paths)
        self._paths = paths
        self._closed = False

    def __iter__(self) -> Iterator[SourcePicture]:
        for path in self._paths:
            if self._closed:
                return
            try:
                encoded = path.read_bytes()
            except OSError as error:
                raise SourceError(f"{path}: {error.strerror}") from error
            if not encoded:
                raise SourceError(f"{path}: the file is empty")
            yield SourcePicture(encoded)

    def close(self) -> None:
        """End at the next picture."""
        self._closed = True


class VideoFile:
    """A recording; each frame is encoded as JPEG. It is opened once to see that it can be."""

    live = False

    def __init__(self, path: str, *, jpeg_quality: int = DEFAULT_JPEG_QUALITY) -> None:
        self.name = without_credentials(path)
        self._path = path
        self._jpeg_quality = jpeg_quality
        self._closed = False
        capture = self._opened()
        self.fps: float | None = _positive(capture.get(cv2.CAP_PROP_FPS))
        frames = _positive(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.total: int | None = None if frames is None else int(frames)
        capture.release()

    def __iter__(self) -> Iterator[SourcePicture]:
        capture = self._opened()
        try:
            found = False
            while not self._closed:
                readable, pixels_bgr = capture.read()
                if not readable:
                    break
                found = True
                yield SourcePicture(jpeg(pixels_bgr, self._jpeg_quality))
            if not (found or self._closed):
                raise SourceError(f"{self.name}: no frame of it can be read")
        finally:
            capture.release()

    def close(self) -> None:
        """End at the next picture."""
        self._closed = True

    def _opened(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(self._path, cv2.CAP_FFMPEG, TIMEOUTS)
        if not capture.isOpened():
            raise SourceError(f"{self.name}: not a video that can be opened")
        return capture


class Looped:
    """A source that ends, again and again, until it is closed."""

    total: int | None = None
    live = False

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.fps: float | None = source.fps
        self._source = source
        self._closed = False

    def __iter__(self) -> Iterator[SourcePicture]:
        while not self._closed:
            yield from self._source

    def close(self) -> None:
        """End at the next picture."""
        self._closed = True
        self._source.close()


def picture_files(path: Path) -> PictureFiles:
    """One picture, or those of a directory by name. Raises SourceError."""
    if not path.is_dir():
        return PictureFiles(str(path), (path,))
    found = tuple(sorted(entry for entry in path.iterdir() if entry.suffix.lower() in PICTURE_SUFFIXES))
    if not found:
        raise SourceError(f"{path}: no picture in this directory ({', '.join(sorted(PICTURE_SUFFIXES))})")
    return PictureFiles(str(path), found)


def jpeg(pixels_bgr: MatLike, quality: int) -> bytes:
    """uint8 (height, width, 3) as JPEG; quality 1 to 100."""
    encoded, buffer = cv2.imencode(".jpg", pixels_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        raise SourceError(f"a frame of shape {pixels_bgr.shape} cannot be encoded as JPEG")
    return bytes(buffer)


def without_credentials(address: str) -> str:
    """An address as it may be printed: no user, password or query; a path is left as it is."""
    if "://" not in address:
        return address
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _positive(value: float) -> float | None:
    # FFMPEG answers 0, a negative or an absurd number where a container does not say
    return value if 0 < value < 1e9 else None
