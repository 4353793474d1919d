"""Topics on Apache Kafka: as created they keep every promise; what somebody alters is found, said and mended."""

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from structlog.testing import capture_logs

from streams.app.run import checked_epochs
from streams.cli.entry import run
from streams.cli.exit_codes import ExitCode
from streams.engine.brokers import KAFKA
from streams.engine.topics import admin, inspection
from streams.engine.topics.bounds import ONE_MORE
from streams.engine.topics.found import read_topics
from streams.engine.topics.promises import Difference, Promise
from streams.settings import Settings
from streams.wire.connection import Connection
from streams.wire.topics import FILLER_KEY, Topics
from tests.kafka.broker import QUICK, Kafka

pytestmark = pytest.mark.broker

TOPICS = Topics(prefix="kept", partitions=2)
BUSY_MS = 2000  # by how much a busy machine may be late
GONE_S = 60  # far more than it takes: what is not gone then never goes

BREAKING = [
    (
        "camera-frames",
        {"message.timestamp.type": "CreateTime"},
        " has message.timestamp.type=CreateTime, expected LogAppendTime",
        Promise.BROKERS_TIME,
    ),
    (
        "recognitions",
        {"message.timestamp.type": "CreateTime"},
        " has message.timestamp.type=CreateTime, expected LogAppendTime",
        Promise.BROKERS_TIME,
    ),
    (
        "camera-frames",
        {"cleanup.policy": "compact,delete"},
        " has cleanup.policy=compact,delete, expected delete",
        Promise.NOTHING_LOST,
    ),
    (
        "camera-frames",
        {"max.message.bytes": "1000000"},
        " has max.message.bytes=1000000, expected 4259840",
        Promise.TAKEN,
    ),
    (
        "camera-frames",
        {"segment.bytes": "1048576"},
        " has segment.bytes=1048576, expected at least 4259840",
        Promise.TAKEN,
    ),
    (
        "camera-frames",
        {"compression.type": "producer"},
        " has compression.type=producer, expected uncompressed",
        Promise.HARMLESS,
    ),
    (
        "camera-frames",
        {"retention.ms": "7200000"},
        ": a picture's time on the disks is at most 2 h 16 s; promised: 30 min",
        Promise.TRANSPORT_ONLY,
    ),
    (
        "gallery-commands",
        {"segment.ms": "604800000"},
        ": a picture's time on the disks is at most 8 d 6 s; promised: 1 d 1 h",
        Promise.TRANSPORT_ONLY,
    ),
    (
        "recognitions",
        {"retention.ms": "-1"},
        ": a record's time on the disks has no limit, since retention.ms is -1",
        Promise.FORGOTTEN,
    ),
    ("recognitions", {"min.insync.replicas": "2"}, " has min.insync.replicas=2, expected 1", Promise.TAKEN),
    (
        "visits",
        {"unclean.leader.election.enable": "true"},
        " has unclean.leader.election.enable=true, expected false",
        Promise.NOTHING_LOST,
    ),
    (
        "running-log",
        {"cleanup.policy": "compact,delete"},
        " has cleanup.policy=compact,delete, expected compact",
        Promise.KEPT,
    ),
    (
        "face-features",
        {"delete.retention.ms": "1000"},
        " has delete.retention.ms=1000, expected 86400000",
        Promise.FORGOTTEN,
    ),
    (
        "face-features",
        {"max.compaction.lag.ms": "604800000"},
        f": a replaced or erased value's time on the disks is at most 7 d 5.2 s {ONE_MORE}; promised: 10 min",
        Promise.FORGOTTEN,
    ),
    (
        "error-log",
        {"retention.bytes": "1900000000"},
        ": the size of a copy of the error log is at most 2.18 GB; promised: 2.00 GB",
        Promise.CEILING,
    ),
]

ONLY_DIFFERING = {
    "camera-frames": {"retention.ms": "600000"},
    "recognitions": {"retention.ms": "1209600000"},
    "face-features": {"max.compaction.lag.ms": "30000"},
}


@pytest.fixture(scope="module")
def connection(kafka: Kafka) -> Iterator[Connection]:
    """To a broker on which the topics are as created; each test puts back what it alters."""
    connection = Connection(kafka.bootstrap())
    asyncio.run(admin.create_missing(connection, TOPICS, replication=1))
    yield connection
    asyncio.run(delete_all(connection))


async def delete_all(connection: Connection) -> None:
    async with admin.admin_client(connection) as client:
        await client.delete_topics([spec.name for spec in TOPICS])


@pytest.fixture
def settings(connection: Connection) -> Settings:
    return Settings.from_environment(
        {
            "FACESTREAMS_BOOTSTRAP_SERVERS": connection.bootstrap_servers,
            "FACESTREAMS_PREFIX": TOPICS.prefix,
            "FACESTREAMS_PARTITIONS": str(TOPICS.partitions),
        }
    )


@pytest.fixture
def alter(connection: Connection):
    """Sets a topic's settings as an operator would; at the end of the test they are as declared again."""
    altered = []

    async def change(short: str, settings: Mapping[str, str]) -> None:
        altered.append(short)
        await set_all(connection, short, settings)

    yield change
    for short in altered:
        asyncio.run(set_all(connection, short, {}))


async def set_all(connection: Connection, short: str, settings: Mapping[str, str]) -> None:
    """What is declared, and these; returns once the broker has learned it from the controller."""
    name, wanted = TOPICS.name(short), {**TOPICS.spec(short).settings(1), **settings}
    async with admin.admin_client(connection) as client:
        [answer] = await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, wanted)])
        assert [code for code, *_ in answer.resources] == [0], answer
        async with asyncio.timeout(GONE_S):
            while (await read_topics(client, [name], configs=True))[name].own != wanted:
                await asyncio.sleep(0.05)


async def inspect(connection: Connection) -> inspection.Inspection:
    return await inspection.inspect(connection, TOPICS, replication=1, broker=KAFKA)


async def test_topics_as_created_keep_every_promise_and_a_worker_starts(connection, settings) -> None:
    found = await inspect(connection)
    assert (found.broken, found.remarks) == ([], [])
    assert set(await checked_epochs(settings)) == set(admin.EPOCH_TOPICS)


@pytest.mark.parametrize(("short", "changed", "words", "promise"), BREAKING)
async def test_no_worker_starts_on_what_breaks_a_promise(
    connection, settings, alter, short, changed, words, promise
) -> None:
    await alter(short, changed)
    sentence = f"{TOPICS.name(short)}{words} (breaks the promise: {promise})"
    assert sentence in (await inspect(connection)).broken
    with pytest.raises(admin.AdminError) as refusal:
        await checked_epochs(settings)
    assert str(refusal.value).startswith("topics differ (")
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


async def test_a_worker_starts_on_what_only_differs_and_says_it_once(connection, settings, alter) -> None:
    for short, changed in ONLY_DIFFERING.items():
        await alter(short, changed)
    found = await inspect(connection)
    assert found.broken == []
    assert found.remarks == [
        "kept.main.camera-frames has retention.ms=600000, expected 900000",
        "kept.main.face-features has max.compaction.lag.ms=30000, expected 60000",
        "kept.main.recognitions has retention.ms=1209600000, expected 604800000",
    ]
    with capture_logs() as logged:
        await checked_epochs(settings)
    assert [line["differences"] for line in logged if line["log_level"] == "warning"] == [found.remarks]


async def test_mending_keeps_what_else_is_set(connection, alter) -> None:
    await alter("camera-frames", {"retention.ms": "7200000", "flush.ms": "60000"})
    differences = inspection.mendable(await inspect(connection), replication=1)
    assert [(each.topic, each.setting) for each in differences] == [("kept.main.camera-frames", "retention.ms")]
    await inspection.mend(connection, differences)
    assert (await inspect(connection)).differences == []
    async with admin.admin_client(connection) as client:
        found = await read_topics(client, ["kept.main.camera-frames"], configs=True)
    assert found["kept.main.camera-frames"].own == {**TOPICS.spec("camera-frames").settings(1), "flush.ms": "60000"}


def test_nothing_is_altered_that_was_not_asked_for(connection, alter, monkeypatch, capsys, caplog) -> None:
    caplog.set_level(logging.ERROR, "aiokafka")  # the command quietens it; as before at the end
    monkeypatch.setenv("FACESTREAMS_BOOTSTRAP_SERVERS", connection.bootstrap_servers)
    monkeypatch.setenv("FACESTREAMS_PREFIX", TOPICS.prefix)
    monkeypatch.setenv("FACESTREAMS_PARTITIONS", str(TOPICS.partitions))
    asyncio.run(alter("sightings", {"retention.ms": "1000"}))
    change = "kept.main.sightings retention.ms from 1000 to 604800000"
    for _ in range(2):
        assert run(["topics", "mend"]) == ExitCode.REFUSED
        assert capsys.readouterr() == (f"would set {change}\n", "nothing was altered: --yes does it\n")
    assert run(["topics", "mend", "--yes"]) == ExitCode.DONE
    assert capsys.readouterr() == (f"set {change}\n", "")
    assert run(["topics", "mend", "--yes"]) == ExitCode.DONE
    assert capsys.readouterr() == ("", "every setting is as declared\n")


async def test_what_the_broker_refuses_to_mend_is_said(connection) -> None:
    refused = Difference("kept.main.visits", "max.compaction.lag.ms", "-7", "300000", None)
    with pytest.raises(admin.AdminError, match=r"^the broker refused to alter kept\.main\.visits: InvalidConfig"):
        await inspection.mend(connection, [refused])
    gone = Difference("kept.main.none", "retention.ms", "1", "2", None)
    with pytest.raises(admin.AdminError, match=r"^kept\.main\.none does not exist$"):
        await inspection.mend(connection, [gone])


async def test_bounds_rest_on_the_brokers_own_settings(connection) -> None:
    inputs: dict[str, set[int]] = {}
    for bound in (await inspect(connection)).bounds:
        for name, (value, _times) in bound.inputs.items():
            inputs.setdefault(name, set()).add(value)
    for name in ("log.retention.check.interval.ms", "log.cleaner.backoff.ms"):
        assert inputs[name] == {int(QUICK[name])}
    # what is not declared is the brokers' own
    assert inputs["file.delete.delay.ms"] == {5000, 60_000, int(QUICK["log.segment.delete.delay.ms"])}


def on_disk(kafka: Kafka, short: str, what: bytes) -> bool:
    """Whether a file of the topic holds these bytes; those that wait for their removal count."""
    directories = kafka.nodes[0].data_dir.glob(f"{TOPICS.name(short)}-*")
    for path in [path for directory in directories for path in directory.glob("*.log*")]:
        try:
            if what in path.read_bytes():
                return True
        except FileNotFoundError:  # removed meanwhile
            continue
    return False


def segments(kafka: Kafka, short: str, *, partition: int) -> int:
    return len(list((kafka.nodes[0].data_dir / f"{TOPICS.name(short)}-{partition}").glob("*.log")))


async def until_gone(kafka: Kafka, short: str, what: bytes) -> bool:
    deadline = time.monotonic() + GONE_S
    while on_disk(kafka, short, what):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True


async def test_a_picture_goes_from_an_idle_partition(kafka, connection, alter) -> None:
    async with AIOKafkaProducer(**connection.client_options()) as producer:
        await producer.send_and_wait(TOPICS.name("camera-frames"), b"the picture", key=b"lobby")
    assert on_disk(kafka, "camera-frames", b"the picture")
    await alter("camera-frames", {"retention.ms": "1000", "segment.ms": "1000", "file.delete.delay.ms": "0"})
    assert await until_gone(kafka, "camera-frames", b"the picture")


async def test_an_erased_value_goes_with_a_later_record_and_its_key_with_another(kafka, connection, alter) -> None:
    await alter(
        "face-features", {"max.compaction.lag.ms": "1", "delete.retention.ms": "0", "file.delete.delay.ms": "0"}
    )
    async with AIOKafkaProducer(**connection.client_options()) as producer:

        async def write(key: bytes, value: bytes | None) -> None:
            await asyncio.sleep(0.05)  # the log is rolled by the times that records bear, which must differ
            await producer.send_and_wait(TOPICS.name("face-features"), value, key=key, partition=0)

        while segments(kafka, "face-features", partition=0) < 2:  # the log heeds its settings later than it tells them
            await write(FILLER_KEY, b"")
        await write(b"default/ada/1", b"sealed bits")
        await write(b"default/ada/1", None)
        assert on_disk(kafka, "face-features", b"sealed bits")
        await write(FILLER_KEY, b"")
        assert await until_gone(kafka, "face-features", b"sealed bits")
        assert on_disk(kafka, "face-features", b"default/ada/1")
        await write(FILLER_KEY, b"")
        assert await until_gone(kafka, "face-features", b"default/ada/1")


async def test_what_names_a_person_until_it_expires_is_off_the_disks_within_its_bound(kafka, connection, alter) -> None:
    shorts = ("recognitions", "sightings", "gallery-events")
    quick = {"retention.ms": "1000", "segment.ms": "1000", "file.delete.delay.ms": "500"}
    for short in shorts:
        await alter(short, quick | {"message.timestamp.after.max.ms": "1000"})
    limits = {each.topic: each for each in (await inspect(connection)).bounds if each.promise is Promise.FORGOTTEN}
    bound_ms = max(limits[TOPICS.name(short)].at_most for short in shorts)
    assert bound_ms == 1000 + 1000 + int(QUICK["log.retention.check.interval.ms"]) + 500 + 1000
    async with AIOKafkaProducer(**connection.client_options()) as producer:
        for short in shorts:
            await producer.send_and_wait(TOPICS.name(short), b"gwen was here", key=b"lobby")
            assert on_disk(kafka, short, b"gwen was here")
    await asyncio.sleep((bound_ms + BUSY_MS) / 1000)  # nothing is written any more
    assert [short for short in shorts if on_disk(kafka, short, b"gwen was here")] == []
