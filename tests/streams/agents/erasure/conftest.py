"""A broker that says what it is told to, a topic face-features that is a dictionary, a clock that is set by hand."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from streams.agents.cameras.sightings import VisitsView
from streams.agents.erasure.account import AccountRecords
from streams.agents.erasure.bytes_gone import BytesGone
from streams.agents.erasure.leftovers import Reading
from streams.agents.erasure.steps import Steps
from streams.agents.erasure.tombstones import Tombstones
from streams.agents.gallery.covering import Enrolled
from streams.agents.gallery.references import Reference
from streams.engine.brokers import KAFKA, Broker
from streams.engine.outlet import Output
from streams.engine.topics.found import FoundTopic, Housekeeping
from streams.wire import records
from streams.wire.feature_keys import FeatureKey
from streams.wire.headers import Deployment
from streams.wire.partitioning import partition_of
from streams.wire.records import Confirmed, Erasure, OpenVisit, OpenVisits
from streams.wire.topics import FACE_FEATURES, GALLERY_COMMANDS, Topics
from streams.wire.workers import WorkersView

TOPICS = Topics(partitions=2)
COMMAND = "0a0b0c0d-gallery-commands-1-7"
NOW_MS = 1_000_000_000
ASKED_MS = NOW_MS - 500
EPOCH, FRAMES_EPOCH = "0a0b0c0d", "0f0e0d0c"
OF_COMMANDS = {"cleanup.policy": "delete", "segment.ms": "30000"}
LAG_MS, BACKOFF_MS, DELAY_MS = 60_000, 15_000, 5_000
COMMANDS_MS = 2 * 30_000 + 1000 + 300_000 + DELAY_MS


def full(short: str) -> str:
    return TOPICS.name(short)


def erasure(**changes: object) -> Erasure:
    given = {
        "event_id": COMMAND,
        "request_id": "r1",
        "account": "main",
        "scope": "person",
        "gallery": "default",
        "person": "pseudonym of ada",
        "state": "accepted",
        "requested_at_ms": ASKED_MS,
        "updated_at_ms": NOW_MS - 400,
    }
    return Erasure(**(given | changes))


def reference(number: int, *features: str, person: str | None = "ada") -> Reference:
    return Reference("default", f"{number:032x}", person, person is not None, frozenset(features), Enrolled("", 0))


def place(of: Reference, feature: str | None = None) -> FeatureKey:
    return FeatureKey(of.gallery, of.reference, feature)


@dataclass
class Read:
    """A record as aiokafka gives it."""

    key: bytes | None
    value: bytes | None
    offset: int = 0
    partition: int = 0
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class ScriptedLook:
    """What the brokers say; `asked` are the partitions of which the log was read."""

    ends_of: dict[str, dict[int, int]] = field(default_factory=dict)
    starts_of: dict[str, dict[int, int]] = field(default_factory=dict)
    committed_of: dict[str, dict[int, int]] = field(default_factory=dict)
    logs: dict[tuple[str, int], list[Read]] = field(default_factory=dict)
    in_sync: bool = True
    copies: int = 1
    next_of: dict[str, dict[int, int]] = field(default_factory=dict)
    emptied: dict[str, Mapping[int, int]] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    config: dict[str, str] = field(default_factory=dict)

    async def ends(self, topic: str) -> Mapping[int, int]:
        return self.ends_of.get(topic, {0: 0, 1: 0})

    async def starts(self, topic: str) -> Mapping[int, int]:
        return self.starts_of.get(topic, {0: 0, 1: 0})

    async def next_after(self, topic: str, moment_ms: int) -> Mapping[int, int]:
        assert moment_ms == ASKED_MS
        return self.next_of.get(topic, {0: 0, 1: 0})

    async def committed(self, topic: str) -> Mapping[int, int]:
        return self.committed_of.get(topic, {})

    async def copies_in_sync(self, topics: Iterable[str]) -> bool:
        assert set(topics) == {full("face-features"), full("visits")}
        return self.in_sync

    async def settings(self, topics: Sequence[str]) -> tuple[Mapping[str, FoundTopic], Housekeeping]:
        config = {
            "cleanup.policy": "compact",
            "max.compaction.lag.ms": str(LAG_MS),
            "segment.ms": "604800000",
            "file.delete.delay.ms": str(DELAY_MS),
            "delete.retention.ms": "86400000",
        } | self.config
        found = {name: FoundTopic(name, 2, self.copies, config, {}) for name in topics}
        found[full(GALLERY_COMMANDS)] = FoundTopic("", 2, self.copies, config | OF_COMMANDS, {})
        return found, Housekeeping(retention_check_ms=300_000, cleaner_backoff_ms=BACKOFF_MS)

    async def records(self, topic: str, partition: int) -> AsyncIterator[Read]:
        self.asked.append((topic, partition))
        for record in self.logs.get((topic, partition), []):
            yield record

    async def read(self, topic: str, partition: int, apply) -> None:
        async for record in self.records(topic, partition):
            apply(record)

    async def delete_records(self, topic: str, before: Mapping[int, int]) -> None:
        self.emptied[topic] = before


@dataclass
class KeptOutlet:
    """Takes everything; what goes to face-features moves that topic's view on."""

    view: "PositionedView"
    batches: list[list[Output]] = field(default_factory=list)

    async def publish(self, outputs: Sequence[Output]) -> list[SimpleNamespace]:
        self.batches.append(list(outputs))
        return [SimpleNamespace(partition=o.partition or 0, offset=self.view.append(o)) for o in outputs]

    @property
    def all(self) -> list[Output]:
        return [output for batch in self.batches for output in batch]

    def tombstones(self) -> list[bytes]:
        return [each.key for each in self.all if each.topic == full(FACE_FEATURES) and each.value is None]


@dataclass
class PositionedView:
    """A view of face-features that has always read all."""

    positions: dict[int, int] = field(default_factory=lambda: {0: 10, 1: 20})

    def append(self, output: Output) -> int:
        if output.topic != full(FACE_FEATURES):
            return 0
        self.positions[output.partition] += 1
        return self.positions[output.partition] - 1

    async def reached(self, partition: int, next_offset: int) -> None:
        assert self.positions[partition] >= next_offset

    async def catch_up(self) -> None:
        pass


@dataclass
class Known:
    """A gallery of whom deletions cover. live: who is enrolled otherwise, by gallery and person id."""

    under: list[Reference] = field(default_factory=list)
    late: list[Reference] = field(default_factory=list)
    live: set[tuple[str, str]] = field(default_factory=set)
    unread: int = 0

    def covered(self, of: Erasure) -> list[Reference]:
        return list(self.under)

    def orphans(self) -> list[Reference]:
        return list(self.late)


@dataclass
class ByName:
    """Who must not be named: ada, unless she is enrolled again."""

    known: Known

    def names(self, of: Erasure, gallery: str, person_id: str) -> bool:
        return person_id == "ada" and (gallery, person_id) not in self.known.live

    def unread(self, of: Erasure) -> int:
        return self.known.unread


class Scene:
    """Steps, and all that they look at."""

    def __init__(self, broker: Broker = KAFKA) -> None:
        self.now_ms = NOW_MS
        self.look = ScriptedLook()
        self.view = PositionedView()
        self.outlet = KeptOutlet(self.view)
        self.known = Known()
        self.newest = VisitsView(TOPICS.partitions)
        self.workers = WorkersView()
        by_name = ByName(self.known)
        tombstones = Tombstones(topics=TOPICS, view=self.view)
        self.bytes_gone = BytesGone(
            topics=TOPICS,
            epoch=EPOCH,
            broker=broker,
            tombstones=tombstones,
            erased=by_name,
            clock_ms=lambda: self.now_ms,
        )
        self.steps = Steps(
            topics=TOPICS,
            epoch=EPOCH,
            broker=broker,
            known=self.known,
            newest=self.newest,
            workers=self.workers,
            views=(self.view,),
            tombstones=tombstones,
            erased=by_name,
            bytes_gone=self.bytes_gone,
            account=AccountRecords(
                topics=TOPICS,
                epoch=FRAMES_EPOCH,
                deployment=Deployment(account="main", app_id="77", region="eu"),
                broker=broker,
                newest=self.newest,
            ),
            clock_ms=lambda: self.now_ms,
        )

    async def next(self, of: Erasure) -> Erasure | None:
        return await self.steps.next(of, Reading(self.look, TOPICS), self.outlet)

    async def completed(self, of: Erasure) -> Erasure | None:
        return await self.steps.completed(of, Reading(self.look, TOPICS), self.outlet)

    async def is_complete(self, of: Erasure) -> bool:
        return await self.completed(of) is not None

    def says(self, worker: str, applied: int, saved: int | None = None, age_ms: int = 0) -> None:
        said = Confirmed(
            worker=worker,
            applied={"0": applied, "1": applied},
            saved=None if saved is None else {"0": saved, "1": saved},
            written_at_ms=0,  # its own clock may say anything
        )
        at_ms = self.now_ms - age_ms
        self.workers.apply(Read(f"worker/{worker}".encode(), records.encode(said), timestamp=at_ms))

    def sees(self, person: str | None, camera: str = "lobby", **left: object) -> None:
        key = camera.encode()
        where = partition_of(key, TOPICS.partitions)
        self.newest.apply(Read(key, open_visits(person, camera, **left), partition=where))


def open_visits(person: str | None, camera: str = "lobby", *, offset: int = 3, epoch: str = FRAMES_EPOCH) -> bytes:
    visit = OpenVisit(
        visit_id="v",
        gallery="default",
        person_id=person,
        track_id=None,
        first_seen_ms=1,
        last_seen_ms=2,
        frames=1,
        best_similarity=None,
        stated_at_ms=2,
    )
    left = OpenVisits(camera_id=camera, epoch=epoch, partition=0, offset=offset, visits=[visit], transitions=[])
    return records.encode(left)


@pytest.fixture
def scene() -> Scene:
    return Scene()
