"""The brokers' files, where they can be read: which there are, and the records in those of this account's topics."""

import os
import re
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from aiokafka.errors import KafkaError

from streams.wire.header_names import TolerantRecords
from streams.wire.topics import Topics

_HEAD: Final = struct.Struct(">qi")
"""Of a batch: its first offset, and the length of what follows."""

LARGEST_BATCH: Final = 256 * 1024 * 1024
"""What claims to be larger is no batch: the file is being written, or is no log."""

SEGMENT: Final = ".log"
"""In the name of every file that holds records, also of one that is about to go (.log.deleted, .log.cleaned)."""

CLEANED: Final = ".cleaned"
"""In the name of one that is being written from others, which stand beside it until it is whole."""

_PARTITION: Final = re.compile(r"(?P<topic>.+)-(?P<number>\d+)(?:\.[0-9a-f]{32}-(?:delete|future|stray))?")
"""A directory of a broker's; one that is deleted, moved or left behind has an ending."""

BLOCK_BYTES: Final = 512
"""In which a file system counts what a file takes, whatever its own blocks are (POSIX's st_blocks)."""


def partition_of(path: Path) -> tuple[str, int] | None:
    """Topic, in full, and partition whose directory the file lies in; None where it is in none."""
    named = _PARTITION.fullmatch(path.parent.name)
    return (named["topic"], int(named["number"])) if named else None


def taken_bytes(path: Path) -> int:
    """What the file takes on the disk; 0 where it is gone. An index is reserved in full, and mostly a hole."""
    with suppress(FileNotFoundError):
        return path.stat().st_blocks * BLOCK_BYTES
    return 0


@dataclass(frozen=True, slots=True)
class Partition:
    """Of a topic of this account, by its short name."""

    short: str
    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Records that were written together, as they lie in the file."""

    path: Path
    raw: bytes


@dataclass(slots=True)
class Files:
    """directories: each broker's log.dirs; empty where no files can be read.

    unreadable: what could not be opened; filled while files are read. A file that goes meanwhile is none of them.
    """

    topics: Topics
    directories: Sequence[Path]
    unreadable: set[str] = field(default_factory=set)

    def every(self) -> Iterator[Path]:
        """All files below the directories, of whatever topic or of none."""
        for directory in self.directories:
            yield from self._below(directory)

    def partition(self, path: Path) -> Partition | None:
        """Whose file it is; None for one of another topic or of none."""
        if (named := partition_of(path)) is None:
            return None
        short = next((spec.short for spec in self.topics if spec.name == named[0]), None)
        return None if short is None else Partition(short, named[1])

    def sizes(self, short: str) -> dict[Path, int]:
        """Bytes that a topic takes on the disks, by directory: of each broker that has a copy of it."""
        found: Counter[Path] = Counter()
        for directory in self.directories:
            for path in self._below(directory):
                partition = self.partition(path)
                if partition is not None and partition.short == short:
                    found[directory] += taken_bytes(path)
        return dict(found)

    def copies(self) -> Counter[tuple[str, int]]:
        """In how many directories each partition of this account lies, by short name and number."""
        homes = {(path.parent, part.short, part.number) for path in self.every() if (part := self._at_home(path))}
        return Counter((short, number) for _, short, number in homes)

    def batches(self, path: Path) -> Iterator[Batch]:
        """What a segment holds, in its order, one batch in memory at a time.

        One that is being written may end in the middle of a batch; any other that does is noted as unreadable.
        """
        try:
            with path.open("rb") as file:
                yield from (Batch(path, raw) for raw in _whole(file))
                if _is_read(file) or _is_being_written(path):
                    return
                yield from (Batch(path, raw) for raw in _whole(file))  # it may have been closed only now
                if not _is_read(file):
                    self.unreadable.add(f"{path}: what stands at byte {file.tell()} is no batch")
        except FileNotFoundError:
            return
        except OSError as error:
            self._note(error)

    def records(self, batch: Batch) -> Iterator[Any]:
        """aiokafka's, of a batch; none where it is a transaction's mark, or cannot be read, which is noted."""
        try:
            found = TolerantRecords(batch.raw).next_batch()
            if found is not None and not found.is_control_batch:
                yield from found
        except (KafkaError, ValueError, struct.error) as error:
            self.unreadable.add(f"{batch.path}: {type(error).__name__}")

    def segments(self, short: str) -> Iterator[Path]:
        """All files that hold records of a topic, those that are about to go among them."""
        for path in self.every():
            partition = self.partition(path)
            if partition is not None and partition.short == short and SEGMENT in path.suffixes:
                yield path

    def _at_home(self, path: Path) -> Partition | None:
        """Whose file it is, unless its directory is one that is deleted, moved or left behind."""
        partition = self.partition(path)
        at_home = partition is not None and path.parent.name.endswith(f"-{partition.number}")
        return partition if at_home else None

    def _below(self, directory: Path) -> Iterator[Path]:
        for parent, _, names in os.walk(directory, onerror=self._note):
            yield from (Path(parent, name) for name in sorted(names))

    def _note(self, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            self.unreadable.add(f"{error.filename}: {error.strerror}")


def _whole(file: BinaryIO) -> Iterator[bytes]:
    """Batches up to the first that is none, or not whole; the file then stands where that one begins."""
    begin = file.tell()
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        _offset, length = _HEAD.unpack(head)
        if not 0 < length <= LARGEST_BATCH or len(rest := file.read(length)) < length:
            break
        yield head + rest
        begin = file.tell()
    file.seek(begin)


def _is_read(file: BinaryIO) -> bool:
    return file.tell() >= os.fstat(file.fileno()).st_size


def _is_being_written(path: Path) -> bool:
    """Whether it is its partition's newest segment, or one that the cleaner makes."""
    if CLEANED in path.suffixes:
        return True
    beside = (each for each in path.parent.iterdir() if SEGMENT in each.suffixes)
    return _base_offset(path) >= max(map(_base_offset, beside), default=-1)


def _base_offset(path: Path) -> int:
    """Its first record's, by its name; -1 where that is no segment's."""
    number = path.name.partition(".")[0]
    return int(number) if number.isdecimal() else -1
