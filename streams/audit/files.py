"""The brokers' files, where they can be read: which there are, and the records in those of this account's topics."""

import os
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiokafka.errors import KafkaError

from streams.wire.header_names import TolerantRecords
from streams.wire.topics import Topics

_HEAD: Final = struct.Struct(">qi")
"""Of a batch: its first offset, and the length of what follows."""

LARGEST_BATCH: Final = 256 * 1024 * 1024
"""What claims to be larger is no batch: the file is being written, or is no log."""

SEGMENT: Final = ".log"
"""In the name of every file that holds records, also of one that is about to go (.log.deleted, .log.cleaned)."""


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
        topic, _, number = path.parent.name.rpartition("-")
        short = next((spec.short for spec in self.topics if spec.name == topic), None)
        return Partition(short, int(number)) if short is not None and number.isdecimal() else None

    def sizes(self, short: str) -> dict[Path, int]:
        """Bytes that a topic takes, by directory: of each broker that has a copy of it."""
        found: Counter[Path] = Counter()
        for directory in self.directories:
            for path in self._below(directory):
                partition = self.partition(path)
                if partition is not None and partition.short == short:
                    with suppress(FileNotFoundError):
                        found[directory] += path.stat().st_size
        return dict(found)

    def batches(self, path: Path) -> Iterator[Batch]:
        """What a segment holds, in its order, one batch in memory at a time."""
        try:
            with path.open("rb") as file:
                while len(head := file.read(_HEAD.size)) == _HEAD.size:
                    _offset, length = _HEAD.unpack(head)
                    if not 0 < length <= LARGEST_BATCH or len(rest := file.read(length)) < length:
                        return
                    yield Batch(path, head + rest)
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

    def _below(self, directory: Path) -> Iterator[Path]:
        for parent, _, names in os.walk(directory, onerror=self._note):
            yield from (Path(parent, name) for name in sorted(names))

    def _note(self, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            self.unreadable.add(f"{error.filename}: {error.strerror}")
