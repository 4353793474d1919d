"""Whole workers in the test's own process, on each broker, with the default networks and real faces."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from models.gallery.keys import KeyDirectory
from streams.app import Worker
from streams.app.run import make_worker
from streams.cli.opening import opener
from streams.demo.cast import CAST
from streams.demo.film import enrollment_picture, film
from streams.edge.client import GalleryClient
from streams.edge.persons import Persons, read_persons
from streams.engine.brokers import BROKERS, Broker
from streams.engine.topics import admin
from streams.settings import Settings
from streams.wire.connection import Connection
from streams.wire.topics import Topics

PATIENCE_S = 60.0


@pytest.fixture(scope="session")
def key_dir(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "main"
    KeyDirectory.create(path)
    return path


@pytest.fixture
async def settings(broker: Broker, connection: Connection, topics: Topics, key_dir: Path) -> Settings:
    await admin.create_missing(connection, topics, replication=1)
    return Settings.from_environment(environment(broker, connection, topics, key_dir))


def environment(broker: Broker, connection: Connection, topics: Topics, key_dir: Path) -> dict[str, str]:
    import os

    given = {
        "BOOTSTRAP_SERVERS": connection.bootstrap_servers,
        "BROKER": broker.name,
        "PREFIX": topics.prefix,
        "PARTITIONS": str(topics.partitions),
        "KEY_DIR": str(key_dir),
        "REGION": "eu",
        "APP_ID": "77",
        "GALLERIES": "vault*=vip;*=default,vip",
        "HTTP_PORT": "0",
        "SESSION_TIMEOUT_S": "3",
        "REBALANCE_TIMEOUT_S": "3",
        "HEARTBEAT_S": "0.5",
        "COMMIT_INTERVAL_S": "0.3",
        "SILENCE_S": "2",
        "VISIT_TIMEOUT_S": "3",
    }
    cache = os.environ.get("FACESTREAMS_CACHE_DIR")
    return {f"FACESTREAMS_{name}": value for name, value in given.items()} | (
        {"FACESTREAMS_CACHE_DIR": cache} if cache else {}
    )


@dataclass
class Tap:
    """Everything that stands on a topic, read as it comes."""

    consumer: AIOKafkaConsumer
    records: list[tuple[str | None, int, dict]] = field(default_factory=list)

    async def read(self) -> None:
        async for message in self.consumer:
            if message.value and not (message.key or b"").startswith(b"~"):
                key = None if message.key is None else message.key.decode()
                self.records.append((key, message.partition, json.loads(message.value)))

    @property
    def values(self) -> list[dict]:
        return [value for _, _, value in self.records]

    async def until(self, condition: Callable[[list[dict]], bool], what: str) -> list[dict]:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition(self.values):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"waited in vain for {what}; there are {self.values}") from None
        return self.values

    async def count(self, number: int) -> list[dict]:
        return await self.until(lambda values: len(values) >= number, f"{number} records")


@dataclass
class Bench:
    """A deployment under test."""

    settings: Settings
    producer: AIOKafkaProducer
    client: GalleryClient
    stack: AsyncExitStack

    async def worker(self, settings: Settings | None = None) -> Worker:
        worker = await make_worker(settings or self.settings)
        self.stack.push_async_callback(worker.stop)
        await worker.start()
        async with asyncio.timeout(PATIENCE_S):
            while worker.why_not_ready() is not None:
                await asyncio.sleep(0.05)
        return worker

    async def persons(self) -> Persons:
        """Who is enrolled, opened with the deployment's keys."""
        return await read_persons(
            self.settings.connection(),
            self.settings.topics(),
            opener(KeyDirectory.open(self.settings.key_dir)),
            exact_ends=BROKERS[self.settings.broker].exact_ends,
        )

    async def tap(self, short: str) -> Tap:
        name = self.settings.topics().name(short)
        partitions = [TopicPartition(name, number) for number in range(self.settings.topics().spec(short).partitions)]
        consumer = AIOKafkaConsumer(
            **self.settings.connection().client_options(), group_id=None, auto_offset_reset="earliest"
        )
        await consumer.start()
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        tap = Tap(consumer)
        task = asyncio.create_task(tap.read())

        async def close() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await consumer.stop()

        self.stack.push_async_callback(close)
        return tap

    async def tap_raw(self, short: str) -> list:
        """All records of a topic as they stand there now."""
        name = self.settings.topics().name(short)
        partitions = [TopicPartition(name, number) for number in range(self.settings.topics().spec(short).partitions)]
        consumer = AIOKafkaConsumer(
            **self.settings.connection().client_options(), group_id=None, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            consumer.assign(partitions)
            await consumer.seek_to_beginning()
            found: list = []
            while batch := await consumer.getmany(timeout_ms=500):
                found += [message for messages in batch.values() for message in messages]
            return found
        finally:
            await consumer.stop()

    async def sample(self, worker: Worker, name: str) -> float | None:
        """What the worker's /metrics shows now; None where it does not show this."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{worker.http_port}/metrics") as answer,
        ):
            shown = dict(line.rsplit(maxsplit=1) for line in (await answer.text()).splitlines() if line[:1] != "#")
        return float(shown[name]) if name in shown else None

    async def metric(self, worker: Worker, sample: str, value: float) -> None:
        """Wait until the worker's /metrics shows this value."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.sample(worker, sample) != value:
                await asyncio.sleep(0.1)

    async def publish(self, value: bytes | None, key: bytes | None = b"lobby", **headers: str | bytes):
        encoded = [(name, each if isinstance(each, bytes) else each.encode()) for name, each in headers.items()]
        topic = self.settings.topics().name("camera-frames")
        return await self.producer.send_and_wait(topic, value, key=key, headers=encoded)

    async def command(self, value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]]):
        topic = self.settings.topics().name("gallery-commands")
        return await self.producer.send_and_wait(topic, value, key=key, headers=headers)


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    connection, topics = settings.connection(), settings.topics()
    async with AsyncExitStack() as stack:
        producer = AIOKafkaProducer(**connection.client_options(), max_request_size=16 * 1024 * 1024)
        await producer.start()
        stack.push_async_callback(producer.stop)
        client = await stack.enter_async_context(GalleryClient(connection, topics, timeout_s=PATIENCE_S))
        yield Bench(settings, producer, client, stack)


@pytest.fixture(scope="session")
def portraits() -> dict[str, bytes]:
    """One picture of each person of the demo's cast."""
    return {person.person_id: enrollment_picture(person) for person in CAST}


@pytest.fixture(scope="session")
def desk() -> list[bytes]:
    """A second of a camera that films gwen alone."""
    return [frame.jpeg for frame in film("desk", 15)]
