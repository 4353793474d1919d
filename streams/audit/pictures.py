"""Whether files hold pictures: by the signatures of their formats, and by pieces of pictures that are known.

A file is read in blocks, whatever its size: segments, indexes, logs, snapshots and what waits for its removal alike.
It may grow, shrink or vanish meanwhile, so it is not mapped into memory.

Of no signature fewer than 51 bits are given. So a terabyte of sealed or compressed bytes gives a false alarm with odds
of less than one in a thousand (the shortest, a quantisation table and the marker behind it: 2^40 places, 2^-51.7 each).
"""

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.audit.files import partition_of

BLOCK_BYTES: Final = 4 * 1024 * 1024
WINDOW_BYTES: Final = 32
"""A piece of a known picture; by chance 32 bytes agree nowhere."""

STRIDE_BYTES: Final = 32
"""Every piece of `STRIDE_BYTES + WINDOW_BYTES - 1` bytes of a known picture has one of the windows in it."""

LEAST_DISTINCT: Final = 8
HEAD_BYTES: Final = 8
LEAST_DISTINCT_IN_HEAD: Final = 4
"""Different bytes in a window, and where it begins: zeros, or a flat wall, stand in many files that hold no picture."""

APART_BYTES: Final = 64 * 1024
"""Nearer finds of one kind in one file are one."""

_SIGNATURES: Final = tuple(
    (kind, literal, re.compile(re.escape(literal) + rest, re.DOTALL))
    for kind, literal, rest in (
        (
            "JPEG",
            b"\xff\xd8\xff",
            rb"(?:\xe0..JFIF\x00|\xe1..Exif\x00|\xe2..ICC_PROFILE|\xee..Adobe|\xdb\x00[\x43\x84][\x00-\x03])",
        ),
        # one without its first bytes: a quantisation table and the marker behind it, the usual Huffman tables
        ("JPEG", b"\xff\xdb\x00\x43", rb"[\x00-\x03].{64}\xff[\xc0-\xc2\xc4\xdb\xdd]"),
        ("JPEG", b"\xff\xc4\x00\x1f\x00\x00\x01\x05\x01\x01\x01\x01\x01\x01", b""),
        ("JPEG", b"\xff\xc4\x01\xa2\x00\x00\x01\x05\x01\x01\x01\x01\x01\x01", b""),
        ("PNG", b"\x89PNG\r\n\x1a\n", b""),
        ("PNG", b"\x00\x00\x00\rIHDR", b""),
        ("PNG", b"IEND\xaeB`\x82", b""),
        ("WebP", b"RIFF", rb"....WEBPVP8"),
        ("base64", b"/9j/", rb"(?:4AAQSkZJRg|4[Q-f]..RXhpZg|2wBDA|2wCEA)"),
        ("base64", b"iVBORw0KGgo", b""),
        ("base64", b"UklGR", rb".{6}XRUJQ"),
    )
)
"""Kind, the bytes that are searched for, and the whole of which they are the beginning."""
_LONGEST_MARKER_BYTES: Final = 71

_FILTER_BITS: Final = 22
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(64 - _FILTER_BITS)


@dataclass(frozen=True, slots=True)
class Found:
    """What looks like a picture.

    what: JPEG, PNG, WebP, base64 (of one of them), or `known` for a piece of a picture that was looked for.
    topic, partition: whose file it is, where its directory is one of a broker's; else None.
    """

    path: Path
    offset: int
    what: str
    topic: str | None
    partition: int | None


def files_under(*directories: Path) -> Iterator[Path]:
    """Every regular file, in order; links are not followed, a directory that vanishes is empty."""
    for directory in directories:
        for path in sorted(directory.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path


def markers(path: Path) -> Iterator[Found]:
    """Where the beginning of a JPEG, PNG or WebP stands, or what is left of one. Raises OSError, but none if gone."""
    return _located(path, _marked(path))


def marker_in(raw: bytes) -> str | None:
    """The kind of the first signature in it; None if there is none."""
    return next((kind for _, kind in _signatures(raw)), None)


def spellings(picture: bytes) -> Iterator[bytes]:
    """A picture as a log may have it: as it is, in hex, in base64 wherever that begins, as Python shows bytes.

    The last one also as it stands in a JSON text, or in a repr.
    """
    yield picture
    yield picture.hex().encode()
    yield from (base64.b64encode(picture[start:]) for start in range(3))
    shown = repr(picture)[2:-1].encode()
    yield from (shown, shown.replace(b"\\", b"\\\\"))


class Shingles:
    """Windows of pictures that are known, looked for at every offset."""

    def __init__(self, pictures: Iterable[bytes]) -> None:
        """pictures: encoded bytes, pixels as they lie in memory, or `spellings` of them."""
        self._windows = {
            window
            for picture in pictures
            for start in range(0, len(picture) - WINDOW_BYTES + 1, STRIDE_BYTES)
            if _is_telling(window := picture[start : start + WINDOW_BYTES])
        }
        self._filter = np.zeros(1 << _FILTER_BITS, np.bool_)
        if self._windows:
            heads = np.frombuffer(b"".join(window[:HEAD_BYTES] for window in self._windows), "<u8")
            self._filter[_mixed(heads)] = True

    def __len__(self) -> int:
        """Windows that are looked for."""
        return len(self._windows)

    def find(self, path: Path) -> Iterator[Found]:
        """Where a piece of one of the pictures stands. Raises OSError, but none if the file is gone."""
        return _located(path, self._pieces(path))

    def offset_in(self, raw: bytes) -> int | None:
        """Where the first piece stands in `raw`; None if there is none."""
        return next(iter(self._offsets(raw)), None)

    def _pieces(self, path: Path) -> Iterator[tuple[int, str]]:
        for start, block in _blocks(path, WINDOW_BYTES):
            yield from ((start + offset, "known") for offset in self._offsets(block))

    def _offsets(self, block: bytes) -> Iterator[int]:
        """In order. A filter of four million places passes over most offsets; the others are looked up."""
        likely = []
        for shift in range(min(8, len(block) - 7)):
            numbers = np.frombuffer(block, "<u8", (len(block) - shift) // 8, shift)
            likely.append(np.flatnonzero(self._filter[_mixed(numbers)]) * 8 + shift)
        for offset in sorted(int(each) for offsets in likely for each in offsets):
            if block[offset : offset + WINDOW_BYTES] in self._windows:
                yield offset


def scan(directories: Iterable[Path], known: Shingles | None = None) -> Iterator[Found]:
    """All that is found in all files. Raises OSError for a file that may not be read."""
    for path in files_under(*directories):
        yield from markers(path)
        if known is not None:
            yield from known.find(path)


def _is_telling(window: bytes) -> bool:
    return len(set(window)) >= LEAST_DISTINCT and len(set(window[:HEAD_BYTES])) >= LEAST_DISTINCT_IN_HEAD


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (numbers * _MIX) >> _SHIFT


def _marked(path: Path) -> Iterator[tuple[int, str]]:
    for start, block in _blocks(path, _LONGEST_MARKER_BYTES):
        yield from ((start + offset, kind) for offset, kind in _signatures(block))


def _signatures(block: bytes) -> Iterator[tuple[int, str]]:
    """Offset and kind, in order. To search for fixed bytes first is ten times as fast as one expression for all."""
    found = []
    for kind, literal, whole in _SIGNATURES:
        offset = block.find(literal)
        while offset >= 0:
            if whole.match(block, offset):
                found.append((offset, kind))
            offset = block.find(literal, offset + 1)
    yield from sorted(found)


def _blocks(path: Path, overlap_bytes: int) -> Iterator[tuple[int, bytes]]:
    """The file with the offset of each block; blocks overlap, so that nothing is cut in two. None if it is gone."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        start, kept = 0, b""
        while read := file.read(BLOCK_BYTES):
            block = kept + read
            yield start, block
            kept = block[-(overlap_bytes - 1) :]
            start += len(block) - len(kept)


def _located(path: Path, found: Iterator[tuple[int, str]]) -> Iterator[Found]:
    """One for each place and kind."""
    topic, partition = partition_of(path) or (None, None)
    last: dict[str, int] = {}
    for offset, what in found:
        if what not in last or offset - last[what] > APART_BYTES:
            yield Found(path, offset, what, topic, partition)
        last[what] = offset
