"""A worker's gallery outlives the worker on disk, or is refused with its reason; nothing stops the start."""

import asyncio
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from structlog.testing import capture_logs

from models.gallery.gallery import Galleries, Gallery
from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from models.gallery.protect import Protector
from streams.agents.gallery.snapshot_slots import Slot
from streams.agents.gallery.snapshots import FREE_SLOT_KEPT_S, Snapshots
from streams.agents.gallery.view import GalleryView
from streams.engine.reading.view import OffsetsError
from streams.wire.feature_keys import FeatureKey

NOW_MS = 1_000_000_000
MAX_AGE_MS = 43_200_000


def place_of(person: str, feature: str | None = None) -> bytes:
    return FeatureKey("default", hashlib.md5(person.encode()).hexdigest(), feature).encode()


@dataclass
class ScriptedView:
    """A view that has applied all below `positions`. started: what it was started from."""

    positions: Mapping[int, int] = field(default_factory=lambda: {0: 7, 1: 0})
    outside: str | None = None
    away: bool = False
    started: list[Mapping[int, int] | None] = field(default_factory=list)
    caught_up: list[Mapping[int, int]] = field(default_factory=list)

    async def check(self, offsets: Mapping[int, int]) -> None:
        if self.outside is not None:
            raise OffsetsError(self.outside)

    async def start(self, from_offsets: Mapping[int, int] | None = None) -> None:
        self.started.append(from_offsets)

    async def ready(self) -> None:
        pass

    async def catch_up(self) -> None:
        if self.away:
            raise TimeoutError
        self.caught_up.append(self.positions)


@dataclass
class Place:
    """A record of a person's key."""

    key: bytes
    value: bytes | None
    partition: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class Workplace:
    """Makes what workers have, which share keys, a disk and a clock."""

    directory: object
    keys: KeyDirectory
    now_ms: int = NOW_MS
    bugs: list[BaseException] = field(default_factory=list)

    def worker(self, view: ScriptedView | None = None, **changes: object) -> Snapshots:
        protector = Protector(self.keys.template_key)
        known = GalleryView(
            keys=self.keys,
            galleries=Galleries(lambda: Gallery(protector, impostor_mean=0.1, impostor_deviation=0.11)),
            model_version="sface-1",
            partitions=1,
            refused=lambda code: None,
        )
        made = {
            "directory": self.directory,
            "key": self.keys.snapshot_key(),
            "known": known,
            "view": view or ScriptedView(),
            "source": "face-features 1",
            "max_age_ms": MAX_AGE_MS,
            "clock_ms": lambda: self.now_ms,
            "fatal": self.bugs.append,
        }
        return Snapshots(**(made | changes))

    def enroll(self, worker: Snapshots, person: str) -> bytes:
        """The bits of a new person, at hand in this worker's view."""
        place = place_of(person)
        secret = PersonSecret(self.keys.new_data_key(), person)
        worker.known.apply(Place(place, self.keys.wrap(secret.encode(), place=place)))
        bits = np.random.default_rng(3).integers(0, 256, 128, dtype=np.uint8).tobytes()
        worker.known.apply(Place(place_of(person, "e0"), b"a feature that only counts"))
        worker.known.galleries.get().add(person, "e0", bits)
        return bits


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> KeyDirectory:
    return KeyDirectory.create(tmp_path_factory.mktemp("k") / "keys")


@pytest.fixture
def place(tmp_path, keys) -> Workplace:
    return Workplace(tmp_path / "main", keys)


@pytest.fixture
async def left(place) -> bytes:
    """What the worker before knew of ada: her data key."""
    worker = place.worker()
    await worker.start()
    place.enroll(worker, "ada")
    await end(worker)
    return worker.known.data_key("default", "ada")


async def end(worker: Snapshots) -> None:
    await worker.finish()
    await worker.stop()


def persons(worker: Snapshots) -> tuple[str, ...]:
    return worker.known.galleries.get().persons()


async def test_a_worker_saves_at_its_end_and_the_next_goes_on_from_there(place, left) -> None:
    place.now_ms += MAX_AGE_MS
    worker = place.worker()
    with capture_logs() as logs:
        await worker.start()
    assert worker.view.started == [{0: 7, 1: 0}]
    assert persons(worker) == ("ada",)
    assert worker.known.data_key("default", "ada") == left
    assert [entry["event"] for entry in logs] == ["gallery restored from a snapshot"]
    await worker.stop()


async def test_nothing_is_saved_after_the_last_word(place) -> None:
    """What stays behind then would be a snapshot of which no deletion is told."""
    worker, crashed = place.worker(), place.worker()
    for each in (worker, crashed):
        await each.start()
    await worker.finish()
    assert worker.saved == {0: 7, 1: 0}
    await worker.finish()
    await worker.stop()
    assert len(worker.view.caught_up) == 1
    await crashed.stop()  # without a last word
    assert (crashed.view.caught_up, crashed.saved) == ([], None)
    assert sorted(file.parent.name for file in place.directory.glob("*/gallery")) == ["0"]


async def test_who_is_enrolled_while_a_snapshot_is_made_is_not_brought_back_when_forgotten(place) -> None:
    """The galleries are copied a moment after what is known beside them; the values are compacted away later."""
    worker = place.worker()
    await worker.start()
    before = worker.known.state()
    place.enroll(worker, "ada")
    worker.known = Torn(worker.known, before)
    await end(worker)
    assert b'"features":{"default":1}' in (place.directory / "0" / "gallery.json").read_bytes()
    following = place.worker()
    await following.start()
    assert following.view.started == [{0: 7, 1: 0}]
    for feature in ("e0", None):
        following.known.apply(Place(place_of("ada", feature), None))
    assert persons(following) == ()
    await following.stop()


@dataclass
class Torn:
    """A view whose state is of before what its galleries hold."""

    known: GalleryView
    before: bytes

    def __getattr__(self, name: str) -> object:
        return getattr(self.known, name)

    def state(self) -> bytes:
        return self.before


async def test_a_first_start_begins_at_the_beginning_and_is_no_refusal(place) -> None:
    worker = place.worker()
    with capture_logs() as logs:
        await worker.start()
    assert worker.view.started == [None]
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("no snapshot yet", "info")]
    await worker.stop()


async def test_offsets_are_those_of_a_view_that_has_caught_up(place, left) -> None:
    worker = place.worker(ScriptedView({0: 9, 1: 4}))
    await worker.start()
    await end(worker)
    assert worker.view.caught_up == [{0: 9, 1: 4}]
    following = place.worker()
    await following.start()
    assert following.view.started == [{0: 9, 1: 4}]
    await following.stop()


@pytest.mark.parametrize(
    ("changes", "late_ms", "outside", "reason"),
    [
        ({"key": bytes(32)}, 0, None, "altered, of another key, or not of this sidecar"),
        ({"source": "face-features 2"}, 0, None, "source: expected face-features 2, found face-features 1"),
        ({}, MAX_AGE_MS + 1, None, "age: expected 0 to 43200000 ms, found 43200001 ms"),
        ({}, 0, "partition 0: expected less", "partition 0: expected less"),
    ],
)
async def test_what_does_not_agree_is_refused_removed_and_read_from_the_beginning(
    place, left, changes, late_ms, outside, reason
) -> None:
    place.now_ms += late_ms
    worker = place.worker(ScriptedView(outside=outside), **changes)
    with capture_logs() as logs:
        await worker.start()
    assert [(entry["event"], entry["reason"]) for entry in logs] == [("snapshot refused", reason)]
    assert worker.view.started == [None]
    assert persons(worker) == ()
    assert worker.known.data_key("default", "ada") is None
    assert sorted(file.name for file in (place.directory / "0").iterdir()) == ["lock", "worker"]
    await worker.stop()


async def test_a_directory_that_cannot_be_made_does_not_stop_the_start(place) -> None:
    place.directory.write_text("in the way")
    worker = place.worker()
    with capture_logs() as logs:
        await worker.start()
        await worker.stop()
    assert worker.view.started == [None]
    assert [entry["event"] for entry in logs] == ["no snapshots are kept"]


@pytest.mark.parametrize("away", [True, False])
async def test_what_cannot_be_saved_leaves_the_older_one(place, left, away) -> None:
    worker = place.worker(ScriptedView({0: 99, 1: 99}, away=away))
    await worker.start()
    if not away:
        (place.directory / "0" / ".gallery.new").mkdir()
    with capture_logs() as logs:
        await end(worker)
    assert [entry["event"] for entry in logs] == ["snapshot not saved"]
    following = place.worker()
    await following.start()
    assert following.view.started == [{0: 7, 1: 0}]


async def test_saves_while_it_runs(place) -> None:
    worker = place.worker(save_every_s=0.01)
    await worker.start()
    place.enroll(worker, "ada")
    async with asyncio.timeout(20):
        while len(worker.view.caught_up) < 3:
            await asyncio.sleep(0.01)
    saved = (place.directory / "0" / "gallery.json").read_bytes()
    assert b'"features":{"default":1}' in saved
    await worker.stop()


async def test_a_bug_while_it_saves_ends_the_worker(place) -> None:
    view = ScriptedView()
    worker = place.worker(view, save_every_s=0.0)
    view.positions = None
    await worker.start()
    async with asyncio.timeout(20):
        while not place.bugs:
            await asyncio.sleep(0.01)
    assert isinstance(place.bugs[0], AttributeError)


async def test_workers_side_by_side_share_no_file(place, left) -> None:
    first, second = place.worker(), place.worker()
    await first.start()
    await second.start()
    assert (first.view.started, second.view.started) == ([{0: 7, 1: 0}], [None])
    await end(second)
    await end(first)
    assert sorted(file.parent.name for file in place.directory.glob("*/gallery")) == ["0", "1"]


async def test_what_nobody_keeps_current_is_removed_after_a_while(place) -> None:
    worker, gone, running = place.worker(), place.worker(), place.worker()
    for each in (worker, gone, running):
        await each.start()
    await gone.save()
    await gone.stop()
    await running.save()
    for number in (1, 2):
        for name in ("gallery", "gallery.json"):
            os.utime(place.directory / str(number) / name, (NOW_MS / 1000, NOW_MS / 1000))
    place.now_ms = NOW_MS + round(FREE_SLOT_KEPT_S * 1000)
    await worker.save()
    assert (place.directory / "1" / "gallery").exists()
    assert worker.swept == set()
    place.now_ms += 1
    await worker.save()
    assert sorted(file.name for file in (place.directory / "1").iterdir()) == ["lock", "worker"]
    assert worker.swept == {gone.worker}
    assert (place.directory / "2" / "gallery").exists()
    assert Slot.take(place.directory).path.name == "1"
    await worker.stop()
    await running.stop()


async def test_a_slot_that_cannot_be_looked_at_is_said_and_neither_the_save_nor_the_others_suffer(place) -> None:
    left, worker = place.worker(), place.worker()
    await worker.start()
    await left.start()
    await end(left)
    for name in ("gallery", "gallery.json"):
        os.utime(place.directory / "1" / name, (NOW_MS / 1000, NOW_MS / 1000))
    for number in ("00", "2"):
        (place.directory / number / "lock").mkdir(parents=True)
    place.now_ms = NOW_MS + round(FREE_SLOT_KEPT_S * 1000) + 1
    with capture_logs() as logs:
        await worker.save()
    assert [(entry["event"], entry["path"]) for entry in logs] == [
        ("snapshots not swept", str(place.directory / number)) for number in ("00", "2")
    ]
    assert (place.directory / "0" / "gallery").exists()
    assert not (place.directory / "1" / "gallery").exists()
    await worker.stop()


async def test_a_saving_that_is_under_way_at_the_stop_is_waited_for(place) -> None:
    worker = place.worker()
    await worker.start()
    with worker._writing:
        stopping = asyncio.create_task(end(worker))
        while not worker.view.caught_up:
            await asyncio.sleep(0)
        assert Slot.take(place.directory).path.name == "1"
    await stopping
    assert (place.directory / "0" / "gallery").exists()
    assert Slot.take(place.directory).path.name == "0"


async def test_one_that_remembers_what_is_erased_is_written_anew_at_once(place, left) -> None:
    view, wanted = ScriptedView(), {0: 9}
    worker = place.worker(view, must_pass=lambda: wanted, look_every_s=0.01)
    await worker.start()
    assert worker.saved == {0: 7, 1: 0}
    await asyncio.sleep(0.05)
    assert view.caught_up == []  # what is to be passed was not read yet: there is nothing to gain
    view.positions = {0: 9, 1: 0}
    async with asyncio.timeout(20):
        while worker.saved != {0: 9, 1: 0}:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert len(view.caught_up) == 1
    await worker.stop()


async def test_whose_snapshot_it_is_goes_with_it_from_worker_to_worker(place, left) -> None:
    worker = place.worker()
    await worker.start()
    name = worker.worker
    await worker.stop()
    following, other = place.worker(), place.worker()
    await following.start()
    await other.start()
    assert following.worker == name != other.worker
    assert (following.saved, other.saved) == ({0: 7, 1: 0}, None)
    await following.stop()
    await other.stop()
