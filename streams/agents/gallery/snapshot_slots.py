"""Numbered directories, each one worker's for as long as it runs: no two workers write one snapshot.

A worker takes the lowest number that is free, so that after a restart it finds a snapshot again, its own or that of
a worker that ended with it. A lock of the operating system holds the number, and ends with the process however that
ends.
"""

import fcntl
import itertools
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK_NAME: Final = "lock"
SNAPSHOT_NAME: Final = "gallery"
NAME_NAME: Final = "worker"


class Slot:
    """A directory that is held. snapshot: where its snapshot belongs."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.snapshot = path / SNAPSHOT_NAME
        self._lock = lock

    @classmethod
    def take(cls, directory: Path) -> "Slot":
        """Hold the lowest free number in `directory`; what is missing is made, mode 0700. Raises OSError."""
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        return next(slot for number in itertools.count() if (slot := cls._held(directory / str(number))))

    @classmethod
    @contextmanager
    def held_if_free(cls, path: Path) -> Iterator["Slot | None"]:
        """Hold this one while it is looked at; None if a worker has it. Raises OSError."""
        slot = cls._held(path)
        try:
            yield slot
        finally:
            if slot is not None:
                slot.release()

    @staticmethod
    def paths(directory: Path) -> Sequence[Path]:
        """Those that exist, held or free. Raises OSError."""
        return sorted(path for path in directory.iterdir() if path.name.isdecimal())

    def worker(self) -> str:
        """Who holds it, by a name that goes with the snapshot from worker to worker; drawn once. Raises OSError."""
        path = self.path / NAME_NAME
        if path.exists() and (name := path.read_text("ascii").strip()):
            return name
        name = secrets.token_hex(4)
        path.write_text(name, "ascii")
        return name

    def release(self) -> None:
        """Let another worker have it."""
        os.close(self._lock)

    def written_at_ms(self) -> int | None:
        """When it was last written to, by the file system's clock; None if nothing is in it. Raises OSError."""
        written = [path.stat().st_mtime_ns for path in self.path.iterdir() if path.name not in (LOCK_NAME, NAME_NAME)]
        return max(written) // 1_000_000 if written else None

    @classmethod
    def _held(cls, path: Path) -> "Slot | None":
        path.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return cls(path, lock)
