"""A deletion while one of three brokers is away: no receipt before it is back and its files are clean as well."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from models.gallery.keys import KeyDirectory
from streams.agents.erasure import eraser, waits
from streams.app.run import make_worker
from streams.demo.cast import CAST
from streams.demo.film import enrollment_picture
from streams.edge.client import GalleryClient
from streams.engine.brokers import KAFKA
from streams.engine.reading.evidence import Evidence
from streams.engine.topics import admin
from streams.settings import Settings
from streams.wire import topics as declared
from streams.wire.connection import Connection
from streams.wire.rights import workers_group
from streams.wire.topics import Topics
from tests.kafka.broker import Kafka
from tests.kafka.jars import KafkaMissingError
from tests.streams.pipeline.conftest import environment

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

AWAY_S = 6.0


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    for name, value in (("COMPACTION_LAG_OF_PERSONS_MS", 1000), ("SEGMENT_OF_COMMANDS_MS", 1000)):
        monkeypatch.setattr(declared, name, value)
    monkeypatch.setattr(declared, "DELETE_DELAY_MS", 200)
    monkeypatch.setattr(eraser, "CHECK_EVERY_MS", 500)
    monkeypatch.setattr(waits, "LOSS_SHOWN_MS", 3000)  # the session of these brokers is shorter
    try:
        with Kafka(tmp_path / "kafka", nodes=3) as kafka:
            yield kafka
    except KafkaMissingError as error:
        pytest.skip(str(error))


def holding(cluster: Kafka, needle: bytes) -> list[int]:
    """Numbers of the brokers that have these bytes in a file."""
    return [node.number for node in cluster.nodes if any(needle in content(path) for path in files(node.data_dir))]


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if "face-features-" in path.parent.name]


def content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return b""


async def test_no_receipt_before_the_copy_that_was_away_is_clean_too(cluster: Kafka, tmp_path) -> None:
    connection, topics = Connection(cluster.bootstrap()), Topics(partitions=1)
    KeyDirectory.create(tmp_path / "keys")
    await admin.create_missing(connection, topics, replication=3)
    given = environment(KAFKA, connection, topics, tmp_path / "keys") | {"FACESTREAMS_REPLICATION": "3"}
    settings = Settings.from_environment(given)
    async with AsyncExitStack() as stack:
        worker = await make_worker(settings)
        stack.push_async_callback(worker.stop)
        await worker.start()
        client = await stack.enter_async_context(GalleryClient(connection, topics, timeout_s=60))
        await client.enroll("ada", enrollment_picture(CAST[0]), consent="f", consent_basis="of_age")
        wrapped, sealed = await stored(connection, topics)
        assert holding(cluster, sealed) == holding(cluster, wrapped) == [1, 2, 3]
        away = cluster.nodes[await follower(connection, topics) - 1]
        away.kill()
        answer = await client.forget("ada")
        receipt = asyncio.create_task(client.receipt(answer.request_id, timeout_s=120))
        assert await asyncio.wait({receipt}, timeout=AWAY_S) == (set(), {receipt})
        assert [each.in_sync_at_ms for each in worker._views.pending.all()] == [None]
        away.start()
        away.wait_ready()
        assert (await receipt).features == 1
        assert holding(cluster, sealed) == holding(cluster, wrapped) == []


async def follower(connection: Connection, topics: Topics) -> int:
    """A broker that leads neither what is read nor the group."""
    async with Evidence(connection, workers_group(topics)).look() as look:
        [described] = (await look.admin.describe_topics([topics.name("face-features")]))[0]["partitions"]
        return next(node for node in described["replicas"] if node != described["leader"])


async def stored(connection: Connection, topics: Topics) -> list[bytes]:
    """The values on face-features: the wrapped key, and the sealed feature."""
    found: list = []
    async with Evidence(connection, workers_group(topics)).look() as look:
        await look.read(topics.name("face-features"), 0, found.append)
    return [record.value for record in found]
