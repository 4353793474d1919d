"""Brokers whose logs live through their workers, and a worker that carries deletions out until it dies."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import numpy as np

from models.gallery.gallery import Galleries, Gallery
from models.gallery.keys import KeyDirectory
from models.gallery.person import PersonSecret
from models.gallery.protect import Protector
from models.gallery.seal import seal
from models.gallery.statement import Statement
from streams.agents.cameras.sightings import VisitsView
from streams.agents.erasure.account import AccountRecords
from streams.agents.erasure.bytes_gone import BytesGone
from streams.agents.erasure.erased import Erased
from streams.agents.erasure.eraser import Eraser
from streams.agents.erasure.leftovers import named_by
from streams.agents.erasure.pending import PendingErasures
from streams.agents.erasure.receipts import Receipts
from streams.agents.erasure.steps import Steps
from streams.agents.erasure.tombstones import Tombstones
from streams.agents.gallery.view import GalleryView
from streams.engine.brokers import KAFKA
from streams.engine.lanes.lane import Lane
from streams.engine.outlet import Output
from streams.wire import records
from streams.wire.feature_keys import FeatureKey
from streams.wire.headers import Deployment
from streams.wire.partitioning import partition_of
from streams.wire.records import Confirmed, Erasure
from streams.wire.topics import CONTROL, ERASURES, FACE_FEATURES, FILLER_KEY, VISITS
from streams.wire.workers import WorkersView
from tests.streams.agents.erasure.conftest import (
    EPOCH,
    FRAMES_EPOCH,
    LAG_MS,
    NOW_MS,
    TOPICS,
    Read,
    ScriptedLook,
    full,
    open_visits,
)

DEPLOYMENT = Deployment(account="main", app_id="77", region="eu")


class DiedError(Exception):
    """The worker is no more."""


@dataclass
class Brokers:
    """Logs that are compacted when a filler comes, and a request in flight that writes when it should not any more."""

    keys: KeyDirectory
    now_ms: int = NOW_MS
    look: ScriptedLook = field(default_factory=ScriptedLook)
    worker: "Worker | None" = None
    late: list[Output] = field(default_factory=list)
    ends: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))

    def write(self, output: Output) -> Read:
        partition = partition_of(output.key, TOPICS.partitions) if output.partition is None else output.partition
        place = (output.topic, partition)
        record = Read(output.key, output.value, self.ends[place], partition, self.now_ms, output.headers)
        self.ends[place] += 1
        self.look.ends_of.setdefault(output.topic, dict.fromkeys(range(TOPICS.partitions), 0))[partition] = self.ends[
            place
        ]
        log = self.look.logs.setdefault(place, [])
        if output.key == FILLER_KEY:
            newest = {each.key: each.offset for each in log}
            log[:] = [each for each in log if each.timestamp > self.now_ms - LAG_MS or newest[each.key] == each.offset]
        log.append(record)
        if self.worker is not None:
            self.worker.take(output.topic, record)
        if (
            output.topic == full(ERASURES)
            and output.value
            and records.decode(output.value, Erasure).state == "tombstoned"
        ):
            while self.late:
                self.write(self.late.pop())
        return record

    def all(self, short: str) -> list[Read]:
        return [each for place, log in self.look.logs.items() if place[0] == full(short) for each in log]

    def enroll(self, person: str, reference: str) -> list[Output]:
        """What an enrollment writes."""
        place, data_key = FeatureKey("default", reference), self.keys.new_data_key()
        wrapped = self.keys.wrap(PersonSecret(data_key, person).encode(), place=place.encode())
        return [self._output(place, wrapped, requested_at_ms="1"), self._feature(reference, "e0", data_key)]

    def _feature(self, reference: str, feature: str, data_key: bytes) -> Output:
        place, key_id = FeatureKey("default", reference, feature), self.keys.template_key.id
        embedding = np.random.default_rng(int(reference, 16)).standard_normal(128).astype(np.float32)
        bits = Protector(self.keys.template_key).protect(embedding / np.linalg.norm(embedding))
        stated = Statement(
            key_id=key_id, model_version="m", quality="0.80", consent="f", consent_basis="of_age", enrolled_at_ms="1"
        )
        sealed = seal(data_key, bits, place=place.encode(), stated=stated)
        return self._output(place, sealed, **stated.texts())

    def _output(self, place: FeatureKey, value: bytes, **headers: str) -> Output:
        texts = tuple((name, text.encode()) for name, text in headers.items())
        return Output(
            topic=full(FACE_FEATURES),
            key=place.encode(),
            value=value,
            partition=place.partition(TOPICS.partitions),
            headers=texts,
        )


@dataclass
class MortalOutlet:
    """Writes as a transaction does, all or nothing, and lets the worker die behind so many of them."""

    brokers: Brokers
    left: int

    async def publish(self, outputs: Sequence[Output]) -> list[Read]:
        if self.left == 0:
            raise DiedError
        written = [self.brokers.write(output) for output in outputs]
        self.left -= 1
        if self.left == 0:
            raise DiedError
        return written


class Worker:
    """All that drives a deletion, and views that have read what the topics hold. It is its own lanes and evidence."""

    def __init__(self, brokers: Brokers, name: str) -> None:
        self.brokers, self.name = brokers, name
        self.jobs: list = []
        self.positions = dict.fromkeys(range(TOPICS.partitions), 0)
        keys, protector = brokers.keys, Protector(brokers.keys.template_key)
        self.known = GalleryView(
            keys=keys,
            galleries=Galleries(lambda: Gallery(protector, impostor_mean=0.1, impostor_deviation=0.11)),
            model_version="m",
            partitions=TOPICS.partitions,
            refused=lambda code: None,
        )
        self.newest, self.workers, self.pending = (
            VisitsView(TOPICS.partitions),
            WorkersView(),
            PendingErasures(self.known.erase, partitions=TOPICS.partitions),
        )
        erased = Erased(keys=keys, known=self.known)
        tombstones = Tombstones(topics=TOPICS, view=self)
        given = {"topics": TOPICS, "broker": KAFKA, "clock_ms": lambda: brokers.now_ms}
        steps = Steps(
            **given,
            epoch=EPOCH,
            known=self.known,
            newest=self.newest,
            workers=self.workers,
            views=(self,),
            tombstones=tombstones,
            erased=erased,
            bytes_gone=BytesGone(**given, epoch=EPOCH, tombstones=tombstones, erased=erased),
            account=AccountRecords(
                topics=TOPICS, epoch=FRAMES_EPOCH, deployment=DEPLOYMENT, broker=KAFKA, newest=self.newest
            ),
        )
        self.eraser = Eraser(
            topics=TOPICS,
            pending=self.pending,
            view=Current(),
            steps=steps,
            receipts=Receipts(**given, deployment=DEPLOYMENT, keys=keys),
            evidence=self,
            lanes=self,
            is_ready=lambda: True,
            clock=lambda: brokers.now_ms / 1000,
        )
        self.eraser.assigned({0, 1})
        for (topic, _), log in brokers.look.logs.items():
            for record in log:
                self.take(topic, record)
        brokers.worker = self

    def take(self, topic: str, record: Read) -> None:
        """As the views do."""
        if topic == full(FACE_FEATURES):
            self.positions[record.partition] = record.offset + 1
        views = {FACE_FEATURES: self.known, VISITS: self.newest, CONTROL: self.workers, ERASURES: self.pending}
        if (view := views.get(topic.rpartition(".")[2])) is not None and record.key != FILLER_KEY:
            with suppress(ValueError):  # refused
                view.apply(record)

    async def work(self, outlet: MortalOutlet) -> None:
        """What a worker does now and then: name nobody who is erased, say how far it is, drive deletions."""
        left = self.newest.of("lobby")
        if left is not None and not self.known.holds("default", "ada") and ("default", "ada") in named_by(left):
            self.brokers.write(Output(topic=full(VISITS), key=b"lobby", value=open_visits(None)))
        applied = {str(partition): offset for partition, offset in self.positions.items()}
        said = Confirmed(worker=self.name, applied=applied, saved=None, written_at_ms=0)
        key = f"worker/{self.name}".encode()
        self.brokers.write(Output(topic=full(CONTROL), key=key, value=records.encode(said), partition=0))
        self.jobs.clear()
        self.eraser.look()
        for place, job in self.jobs:
            await job(Lane(place, 0.0), outlet)

    async def reached(self, partition: int, next_offset: int) -> None:
        assert self.positions[partition] >= next_offset

    async def catch_up(self) -> None:
        pass

    def find(self, place) -> None:
        return None

    def enqueue(self, place, job) -> None:
        self.jobs.append((place, job))

    @asynccontextmanager
    async def look(self):
        yield self.brokers.look


class Current:
    """A view of erasures that has read all."""

    async def reached(self, partition: int, next_offset: int) -> None:
        pass

    async def catch_up(self) -> None:
        pass
