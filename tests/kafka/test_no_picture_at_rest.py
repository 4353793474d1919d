"""Once processed, no picture is anywhere: not in a broker's file, not in a worker's, not in what either says."""

import asyncio
import contextlib
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from models.gallery.keys import KeyDirectory
from streams.agents.gallery.snapshot_slots import SNAPSHOT_NAME
from streams.audit.pictures import Shingles, marker_in, spellings
from streams.demo.worker_process import free_port
from streams.engine.brokers import KAFKA
from streams.engine.topics import inspection
from streams.wire.topics import FILLER_KEY, RUNNING_LOG
from tests.kafka.at_rest import INPUTS, TOPICS, Deployment, prepare
from tests.kafka.broker import Kafka
from tests.kafka.jars import KafkaMissingError
from tests.kafka.sent_pictures import crops, sent_pictures

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

PATIENCE_S = 90.0
SLACK_S = 10.0
"""For a machine that others use as well, and for one search of all files."""


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    sent = sent_pictures(TOPICS.max_picture_bytes)
    try:
        with Kafka(tmp_path / "kafka") as kafka:
            keys = KeyDirectory.create(tmp_path / "keys")
            pictures = [*(each.value for each in sent), *crops()]
            deployment = Deployment(kafka, tmp_path, keys, sent, Shingles(pictures), free_port())
            asyncio.run(prepare(deployment))
            try:
                yield deployment
            finally:
                if deployment.worker is not None:
                    deployment.worker.kill()
                    deployment.worker.wait()
    except KafkaMissingError as error:
        pytest.skip(str(error))


async def records(deployment: Deployment, *shorts: str) -> list:
    """All that stands on these topics now."""
    partitions = [
        TopicPartition(TOPICS.name(short), number)
        for short in shorts
        for number in range(TOPICS.spec(short).partitions)
    ]
    async with AIOKafkaConsumer(
        **deployment.connection.client_options(), auto_offset_reset="earliest", isolation_level="read_uncommitted"
    ) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        found = []
        while any([await consumer.position(each) < ends[each] for each in partitions]):
            batches = await consumer.getmany(timeout_ms=200)
            found += [record for batch in batches.values() for record in batch]
        return found


async def until_answered(deployment: Deployment) -> None:
    """Every request has its one record in the running log."""
    wanted, deadline = len(deployment.sent), time.monotonic() + PATIENCE_S
    while True:
        keys = {record.key for record in await records(deployment, RUNNING_LOG) if record.value}
        if len(keys) >= wanted:
            assert len(keys) == wanted, "a filler is nobody's request"
            return
        assert deployment.worker is not None
        assert deployment.worker.poll() is None, (deployment.directory / "worker" / "stderr").read_text()[-3000:]
        assert time.monotonic() < deadline, f"{len(keys)} of {wanted} requests were answered"
        await asyncio.sleep(0.3)


def until_ready(deployment: Deployment) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{deployment.port}/ready"):
            return
        assert time.monotonic() < deadline
        time.sleep(0.1)


async def bound_s(deployment: Deployment) -> float:
    """The longest that a processed picture may be on the disks of this broker, with these topics."""
    found = await inspection.inspect(deployment.connection, TOPICS, replication=1, broker=KAFKA)
    limits = [each.at_most for each in found.bounds if each.subject == "a processed picture's time on the disks"]
    assert len(limits) == len(INPUTS)
    return max(limit for limit in limits if limit is not None) / 1000


def until_nothing_is_found(deployment: Deployment, limit_s: float) -> None:
    """What is stated counts from when the last was processed, which is a moment before it is seen here."""
    begun = time.monotonic()
    while True:
        is_late = time.monotonic() - begun > limit_s + SLACK_S
        if not (found := deployment.found()):
            break
        assert not is_late, f"still on a disk: {found}"
        deployment.scrape()
        time.sleep(0.5)
    print(f"nothing is found after {time.monotonic() - begun:.1f} s; stated: {limit_s:g} s")


def test_no_picture_is_left_anywhere_once_it_is_processed(deployment: Deployment) -> None:
    found = deployment.found()
    for short in INPUTS:  # with nobody who deletes them they are there, and the search finds them
        assert {what for topic, what in found if topic == TOPICS.name(short)} == {"JPEG", "PNG", "WebP", "known"}
    with deployment.planted_snapshot(b"?" + deployment.sent[0].value + b"?"):
        assert {what for place, what in deployment.found() if place == SNAPSHOT_NAME} == {"JPEG", "known"}

    deployment.start_worker()
    asyncio.run(until_answered(deployment))
    stated_s = asyncio.run(bound_s(deployment))
    until_nothing_is_found(deployment, stated_s)

    ends = asyncio.run(records(deployment, *INPUTS))
    assert all(record.key == FILLER_KEY and not record.value for record in ends)
    deployment.scrape()
    assert b'facestreams_pictures_undeleted_seconds{topic="camera-frames"}' in deployment.said[-1]
    assert deployment.stop_worker() == 0
    assert deployment.found() == Counter()
    assert [b"carl" in snapshot for snapshot in deployment.opened_snapshots()] == [True], "of who was enrolled"
    assert list((deployment.directory / "worker" / "cache").iterdir()), "the cache is among what was searched"

    deployment.start_worker()  # where the log's start has moved on to what is committed, nothing is missed
    until_ready(deployment)
    assert deployment.stop_worker() == 0

    written = asyncio.run(records(deployment, *(spec.short for spec in TOPICS if not spec.carries_pictures)))
    assert {record.topic for record in written} > {TOPICS.name(RUNNING_LOG), TOPICS.name("recognitions")}
    assert not any(b"expired_unread" in (record.value or b"") for record in written)
    said = deployment.said + [
        part
        for record in written
        for part in (record.key or b"", record.value or b"", *(value or b"" for _, value in record.headers))
    ]
    logs = [*(deployment.directory / "worker").glob("std*"), deployment.kafka.nodes[0].log_path]
    said += [path.read_bytes() for path in logs]
    assert b"worker started" in b"".join(said)
    small = [each.value for each in deployment.sent if len(each.value) < TOPICS.max_picture_bytes]
    spelt = Shingles(way for picture in (*small, *crops()) for way in spellings(picture[:50_000]))
    assert [each[:200] for each in said if marker_in(each) or spelt.offset_in(each) is not None] == []
