"""Snapshots of one worker's gallery: a start reads what is on disk and then only the tail of face-features.

A snapshot is a convenience, face-features is the truth. Whatever is wrong with a snapshot is said in the log, the
files are removed, since they may remember the erased, and the gallery is built from the beginning of the topic.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from models.errors import SnapshotError
from models.gallery import snapshot
from streams.agents.gallery.snapshot_slots import Slot
from streams.agents.gallery.view import GalleryView
from streams.engine.reading.view import OffsetsError, View

_log = structlog.get_logger(__name__)

SAVE_EVERY_S: Final = 300.0

LOOK_EVERY_S: Final = 1.0
"""A snapshot that remembers what was erased is written anew within a few of these."""

FREE_SLOT_KEPT_S: Final = 2 * SAVE_EVERY_S
"""A snapshot that no worker keeps current is removed by one that runs: it does not learn who is forgotten."""

CATCH_UP_S: Final = 5.0


@dataclass(slots=True, kw_only=True)
class Snapshots:
    """Starts the view of face-features from a snapshot, if there is one that agrees, and writes new ones.

    directory: of the account; workers share it. key: 32 bytes. source: names the topic's life and the keys that
    opened its records; a snapshot of another source is refused. max_age_ms: at most what a tombstone is sure to be
    kept for, halved. must_pass: up to where face-features was read, by partition, in a snapshot that remembers nobody
    who is being erased. fatal: told of a bug while it saves now and then.
    saved: what the snapshot on disk holds, by partition; None: there is none. worker: whose it is; None: none is kept.
    swept: workers whose snapshot was removed here after they had ended; whoever tells of it takes them out.
    """

    directory: Path
    key: bytes = field(repr=False)
    known: GalleryView
    view: View
    source: str
    max_age_ms: int
    clock_ms: Callable[[], int]
    fatal: Callable[[BaseException], object]
    must_pass: Callable[[], Mapping[int, int]] = dict
    save_every_s: float = SAVE_EVERY_S
    look_every_s: float = LOOK_EVERY_S
    saved: Mapping[int, int] | None = None
    worker: str | None = None
    swept: set[str] = field(default_factory=set)
    _slot: Slot | None = None
    _task: asyncio.Task[None] | None = None
    _writing: Lock = field(default_factory=Lock, repr=False)

    async def start(self) -> None:
        """Fill the gallery from a snapshot if one agrees, start the view, and save every few minutes from then on."""
        try:
            self._slot = await asyncio.to_thread(Slot.take, self.directory)
            self.worker = self._slot.worker()
        except OSError as error:
            _log.warning("no snapshots are kept", directory=str(self.directory), reason=str(error))
            await self.view.start()
            return
        await self.view.start(await self._restored(self._slot))
        self._task = asyncio.create_task(self._save_now_and_then())

    async def finish(self) -> None:
        """Save once more, and no more from then on: what a worker says last of its snapshot must stay true.

        The view must still be reading.
        """
        if await self._end_saving():
            await self.save()

    async def stop(self) -> None:
        """Let another worker have the snapshot. Saves nothing: nobody would be told of it any more."""
        await self._end_saving()
        await asyncio.to_thread(self._release)

    async def save(self) -> None:
        """Write a snapshot of all that the topic holds now. Where that cannot be done, the older one stays."""
        saved_at_ms = self.clock_ms()
        try:
            async with asyncio.timeout(CATCH_UP_S):
                await self.view.catch_up()
            positions = self.view.positions
            await asyncio.to_thread(self._write, positions, saved_at_ms)
            self.saved = positions
        except (OSError, KafkaError) as error:  # a timeout is an OSError too
            _log.warning("snapshot not saved", reason=str(error) or type(error).__name__)

    async def _end_saving(self) -> bool:
        """Whether any was to come."""
        task, self._task = self._task, None
        if task is None:
            return False
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return True

    async def _save_now_and_then(self) -> None:
        try:
            await self.view.ready()
            while True:
                await self._due()
                await self.save()
        except Exception as error:  # noqa: BLE001  what `save` does not expect is a bug: not silently
            self.fatal(error)

    async def _due(self) -> None:
        """Wait until it is time: soon where the snapshot remembers what is being erased, else every few minutes."""
        loop = asyncio.get_running_loop()
        begun_at = loop.time()
        while loop.time() - begun_at < self.save_every_s:
            await asyncio.sleep(min(self.look_every_s, self.save_every_s))
            if self._remembers(self.view.positions):
                return

    def _remembers(self, positions: Mapping[int, int]) -> bool:
        """Whether the one on disk is behind what must be passed, and the view is not."""
        saved, wanted = self.saved, self.must_pass()
        return saved is not None and any(
            saved.get(partition, 0) < offset <= positions.get(partition, 0) for partition, offset in wanted.items()
        )

    async def _restored(self, slot: Slot) -> Mapping[int, int] | None:
        """Up to where the gallery is filled now; None if no snapshot agrees, and the gallery is empty."""
        if not slot.snapshot.exists():
            _log.info("no snapshot yet", path=str(slot.path))
            return None
        try:
            saved = await asyncio.to_thread(self._load, slot)
            offsets = {int(partition): offset for partition, offset in saved.sidecar.offsets.items()}
            await self.view.check(offsets)
            self.known.restore(saved.attachment)
            await asyncio.to_thread(saved.fill, self.known.galleries)
            self.known.prune()
            self.saved = offsets
        except (SnapshotError, OffsetsError) as error:
            _log.warning("snapshot refused", path=str(slot.path), reason=error.reason)
            with suppress(OSError):  # then the next one cannot be written either, and the log will say so
                await asyncio.to_thread(snapshot.remove, slot.snapshot)
            self.saved = {} if slot.snapshot.exists() else None
            return None
        _log.info("gallery restored from a snapshot", path=str(slot.path), features=saved.sidecar.features)
        return offsets

    def _load(self, slot: Slot) -> snapshot.Snapshot:
        return snapshot.load(
            slot.snapshot,
            self.key,
            protector=self.known.galleries.get().protector,
            model_version=self.known.model_version,
            source=self.source,
            now_ms=self.clock_ms(),
            max_age_ms=self.max_age_ms,
        )

    def _write(self, offsets: Mapping[int, int], saved_at_ms: int) -> None:
        """In a pool's thread. A save that was given up at the stop may still be under way: one at a time."""
        with self._writing:
            if self._slot is None:
                return
            snapshot.save(
                self.known.galleries,
                self._slot.snapshot,
                self.key,
                model_version=self.known.model_version,
                source=self.source,
                offsets={str(partition): offset for partition, offset in offsets.items()},
                saved_at_ms=saved_at_ms,
                attachment=self.known.state(),
            )
            self._sweep()

    def _release(self) -> None:
        with self._writing:
            if self._slot is not None:
                self._slot.release()
                self._slot = None

    def _sweep(self) -> None:
        """Remove what nobody keeps current. What cannot be looked at is said, and is no failure of the save before."""
        with _sweeping(self.directory):
            for path in Slot.paths(self.directory):
                with _sweeping(path), Slot.held_if_free(path) as slot:
                    if slot is not None and self._is_left(slot):
                        snapshot.remove(slot.snapshot)
                        self.swept.add(slot.worker())

    def _is_left(self, slot: Slot) -> bool:
        written_at_ms = slot.written_at_ms()
        return written_at_ms is not None and self.clock_ms() - written_at_ms > FREE_SLOT_KEPT_S * 1000


@contextmanager
def _sweeping(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _log.warning("snapshots not swept", path=str(path), reason=str(error))
