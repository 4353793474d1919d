"""Deletions on whole workers and Apache Kafka, with its waits scaled down from minutes to seconds."""

import asyncio
import re
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec import structs

from models.gallery import signing
from models.gallery.keys import KeyDirectory
from streams.agents.erasure import eraser, workers
from streams.agents.erasure.steps import Steps
from streams.app import Worker
from streams.demo.worker_process import WorkerProcess, free_port
from streams.edge.commands import Command
from streams.engine.purge import closer
from streams.engine.topics import admin
from streams.settings import Settings
from streams.wire import topics as declared
from streams.wire.receipts import signature_of, signed_bytes
from streams.wire.records import Confirmed, Receipt, encode
from streams.wire.workers import key_of
from tests.streams.pipeline.conftest import environment

pytestmark = [
    pytest.mark.broker,
    pytest.mark.timeout(180),
    pytest.mark.parametrize("broker", ["kafka"], indirect=True),
]

CONSENT = {"consent": "form-7", "consent_basis": "of_age"}
BOUND_S = 60.0


@pytest.fixture
async def settings(monkeypatch, broker, connection, topics, key_dir, tmp_path) -> Settings:
    """As ever, but for how long the broker and a silent worker may take."""
    monkeypatch.setattr(declared, "COMPACTION_LAG_OF_PERSONS_MS", 1000)
    monkeypatch.setattr(declared, "COMPACTION_LAG_OF_RUNNING_LOG_MS", 1000)
    monkeypatch.setattr(declared, "COMPACTION_LAG_MS", 1000)
    monkeypatch.setattr(declared, "SEGMENT_OF_COMMANDS_MS", 1000)
    monkeypatch.setattr(declared, "DELETE_DELAY_MS", 200)
    monkeypatch.setattr(eraser, "CHECK_EVERY_MS", 500)
    monkeypatch.setattr(workers, "SILENT_AFTER_MS", 3000)
    monkeypatch.setattr(closer, "CLOCKS_MS", 100)
    monkeypatch.setattr(closer, "CLOSE_EVERY_MS", 1000)
    await admin.create_missing(connection, topics, replication=1)
    given = environment(broker, connection, topics, key_dir)
    return Settings.from_environment(given | {"FACESTREAMS_SNAPSHOT_DIR": str(tmp_path / "snapshots")})


@pytest.fixture
def files(settings, kafka):
    """Which of the broker's files hold any of these bytes, of the topics of this test."""

    def holding(*needles: bytes) -> list[str]:
        prefix = f"{settings.topics().prefix}."
        of_topics = [path for path in kafka.nodes[0].data_dir.rglob("*") if path.parent.name.startswith(prefix)]
        return [
            path.parent.name.removeprefix(prefix)
            for path in of_topics
            if any(needle in content_of(path) for needle in needles)
        ]

    return holding


def content_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return b""


async def sealed_features(bench) -> list[bytes]:
    stored = await bench.tap_raw("face-features")
    return [record.value for record in stored if record.value and record.key.count(b"/") == 2]


async def complete(bench, subject: str) -> Receipt:
    answer = await bench.client.forget(subject)
    assert (answer.code, answer.accepted) == ("forgetting", True)
    return await bench.client.receipt(answer.request_id, timeout_s=BOUND_S)


def memory_of(worker: Worker) -> bytes:
    """What a worker holds of everybody: its gallery's labels, and what it knows beside it."""
    galleries = worker._galleries
    names = [name.encode() for gallery in galleries.names() for name in galleries.get(gallery).persons()]
    return worker._views.known.state() + b" ".join(names)


async def test_after_the_receipt_nothing_of_the_person_is_in_a_file_or_in_memory(bench, portraits, desk, files) -> None:
    person = "gwen-4711-of-the-desk"
    worker = await bench.worker()
    visits = await bench.tap("visits")
    await bench.client.enroll(person, portraits["gwen"], **CONSENT)
    [sealed] = await sealed_features(bench)
    await bench.client.enroll("ada", portraits["ada"], **CONSENT)
    for frame in desk:
        await bench.publish(frame, key=b"desk")
    await visits.until(lambda values: person in str(values), "a visit that names the person")
    await worker._views.snapshots.save()
    assert files(sealed)
    assert files(person.encode())
    assert person.encode() in memory_of(worker)

    receipt = await complete(bench, person)

    assert files(sealed) == []
    left = {name.removeprefix("main.").rpartition("-")[0] for name in files(person.encode())}
    assert left == {"recognitions", "sightings"}  # which expire
    assert person.encode() not in memory_of(worker)
    assert worker._galleries.get().persons() == ("ada",)
    snapshots = worker._views.snapshots
    assert all(snapshots.saved[int(partition)] >= offset for partition, offset in (await swept(bench)).items())
    assert (receipt.persons, receipt.features, receipt.scope, receipt.silent) == (1, 1, "person", [])
    assert receipt.tombstones == {"face-features": 2}
    assert (receipt.workers, receipt.snapshots, receipt.unread) == ([snapshots.worker], 1, 0)
    assert person not in str(receipt)
    keys = KeyDirectory.open(bench.settings.key_dir)
    assert keys.is_pseudonym(receipt.person, "default", person)
    public = keys.verify_keys()[receipt.key_id]
    assert signing.verify(public, signed_bytes(receipt), signature_of(receipt))
    forged = structs.replace(receipt, features=2)
    assert not signing.verify(public, signed_bytes(forged), signature_of(forged))
    assert set(receipt.later) == {"recognitions", "sightings", "gallery-events"}


async def swept(bench) -> Mapping[str, int]:
    """How far face-features had to be read, as the deletion's own records say."""
    tap = await bench.tap("erasures")
    said = await tap.until(lambda values: values and values[-1]["state"] == "completed", "the last record")
    reached = next(each["reached"] for each in reversed(said) if each["state"] == "confirmed")
    assert said[-1]["reached"] == reached
    # nobody else has taken it over, and all copies were in sync
    assert len({each["driven_since_ms"] for each in said[1:]}) == 1
    return reached


async def test_who_is_enrolled_again_a_moment_later_stays(bench, portraits) -> None:
    worker = await bench.worker()
    await bench.client.enroll("ada", portraits["ada"], **CONSENT)
    answer = await bench.client.forget("ada")
    assert (await bench.client.enroll("ada", portraits["ada"], **CONSENT)).code == "enrolled"
    receipt = await bench.client.receipt(answer.request_id, timeout_s=BOUND_S)
    assert (receipt.persons, receipt.features) == (1, 1)
    assert len(worker._views.known.stored("default", "ada")) == 1
    assert worker._galleries.get().persons() == ("ada",)
    assert (await bench.client.forget("ada")).features == 1


async def test_whatever_state_a_worker_stops_in_its_successor_goes_on_to_one_receipt(
    bench, portraits, monkeypatch
) -> None:
    states = ("accepted", "tombstoned", "swept", "confirmed")
    names = ("ada", "bea", "carl", "dan")
    stuck: dict[str, str] = {}
    go_on = Steps.next

    async def until_stuck(self, erasure, reading, outlet):
        if stuck.get(erasure.request_id) == erasure.state:
            return None
        return await go_on(self, erasure, reading, outlet)

    async def never(self, erasure, reading, outlet):
        return None

    first = await bench.worker()
    for name in names:
        await bench.client.enroll(name, portraits[name], **CONSENT)
    with monkeypatch.context() as patched:
        patched.setattr(Steps, "next", until_stuck)
        patched.setattr(Steps, "completed", never)
        requests = []
        for name, state in zip(names, states, strict=True):
            command = Command(command="forget", person_id=name)
            stuck[command.request_id] = state
            await bench.client.ask(command)
            requests.append(command.request_id)
        tap = await bench.tap("erasures")

        def all_stuck(values: list[dict]) -> bool:
            newest = {each["request_id"]: each["state"] for each in values}
            return newest == dict(zip(requests, states, strict=True))

        await tap.until(all_stuck, "each deletion in its state")
        await bench.metric(first, "facestreams_erasures_pending", len(names))
        assert await bench.sample(first, "facestreams_erasure_oldest_seconds") > 0
        await first.stop()
    await bench.worker()
    for request in requests:
        assert (await bench.client.receipt(request, timeout_s=BOUND_S)).features == 1
    events = await bench.tap("gallery-events")
    said = await events.until(lambda values: sum(v["code"] == "forgotten" for v in values) >= len(names), "receipts")
    await asyncio.sleep(1)
    assert sorted(v["request_id"] for v in said if v["code"] == "forgotten") == sorted(requests)


@pytest.fixture
def process(broker, settings, key_dir):
    """A worker in a process of its own, with the waits of service but for what the topics' settings say."""
    given = environment(broker, settings.connection(), settings.topics(), key_dir)
    started = WorkerProcess({**given, "FACESTREAMS_HTTP_PORT": str(free_port())})
    yield started
    started.kill()


async def test_a_killed_workers_deletions_are_carried_on_from_two_states(bench, portraits, process) -> None:
    await process.ready()
    if sys.platform == "linux":
        limits = content_of(Path(f"/proc/{process.process.pid}/limits")).decode()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
    for name in ("ada", "bea"):
        await bench.client.enroll(name, portraits[name], **CONSENT)
    erasures = await bench.tap("erasures")

    async def reaches(request_id: str, state: str) -> None:
        await erasures.until(
            lambda values: any(v["state"] == state for v in values if v["request_id"] == request_id), state
        )

    confirmed = await bench.client.forget("ada")
    await reaches(confirmed.request_id, "confirmed")
    await says(bench, "ghost")  # from now on nothing goes on before a worker that is not there
    swept = await bench.client.forget("bea")
    await reaches(swept.request_id, "swept")
    assert process.kill() == -signal.SIGKILL
    newest = {value["request_id"]: value["state"] for value in erasures.values}
    assert newest == {confirmed.request_id: "confirmed", swept.request_id: "swept"}
    await bench.worker()
    for request_id in newest:
        receipt = await bench.client.receipt(request_id, timeout_s=BOUND_S)
        assert (receipt.persons, receipt.features) == (1, 1)
        assert "ghost" in receipt.silent


async def says(bench, worker: str) -> None:
    """The word of a worker that has carried out nothing."""
    said = Confirmed(worker=worker, applied={}, saved=None, written_at_ms=0)
    topic = bench.settings.topics().name("control")
    await bench.producer.send_and_wait(topic, encode(said), key=key_of(worker), partition=0)


async def test_a_late_worker_with_an_old_snapshot_brings_nobody_back(bench, portraits, tmp_path) -> None:
    old = tmp_path / "old"
    first = await bench.worker(structs.replace(bench.settings, snapshot_dir=old))
    await bench.client.enroll("ada", portraits["ada"], **CONSENT)
    name = first._views.snapshots.worker
    await first.stop()  # before its first snapshot was due: it leaves one all the same
    shutil.copytree(old, tmp_path / "older")
    await bench.worker()
    receipt = await complete(bench, "ada")
    assert receipt.silent == [name]  # its snapshot stays behind
    late = await bench.worker(structs.replace(bench.settings, snapshot_dir=tmp_path / "older"))
    assert late._galleries.get().persons() == ()
    assert b"ada" not in memory_of(late)


async def test_an_account_ends_with_a_bill_and_without_a_log(bench, portraits, desk, files) -> None:
    user, address = b"uin-4711-of-the-desk", b"192.0.2.47"
    worker = await bench.worker()
    running = await bench.tap("running-log")
    await bench.client.enroll("ada", portraits["ada"], **CONSENT)
    for frame in desk[:3]:
        await bench.publish(frame, key=b"desk", uin=user, request_ip=address)
    await running.count(4)
    for said in (user, address):
        assert any("running-log" in name for name in files(said))
    answer = await bench.client.forget_account()
    receipt = await bench.client.receipt(answer.request_id, timeout_s=BOUND_S)
    assert (receipt.scope, receipt.persons, receipt.log_entries) == ("account", 1, 5)
    assert receipt.tombstones == {"face-features": 2, "running-log": 5, "visits": 1}
    billed = {(line.request_interface, line.requests, line.billed) for line in receipt.bill.lines}
    assert billed == {("enroll", 1, 1), ("recognize", 3, 3), ("forget", 1, 0)}
    left = {record.key: record.value for record in await bench.tap_raw("running-log")}
    assert [key for key, value in left.items() if value] == []
    for short in ("recognitions", "sightings", "error-log"):
        kept = [record for record in await bench.tap_raw(short) if record.value]
        # that the camera fell silent may be said later
        assert [record for record in kept if record.timestamp <= receipt.requested_at_ms] == []
    assert worker._galleries.get().persons() == ()
    assert set(receipt.later) == {"recognitions", "sightings", "gallery-events", "running-log", "erasures"}
    async with asyncio.timeout(BOUND_S):  # nothing is written to them any more but a filler
        while any("running-log" in name or "erasures" in name for name in files(user, address)):
            await asyncio.sleep(0.2)
