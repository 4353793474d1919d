import asyncio
import hashlib
from types import SimpleNamespace

import pytest
from aiokafka.errors import TopicAuthorizationFailedError

from streams.edge.broker import started_producer
from streams.edge.errors import BrokerRefusedError, BrokerUnreachableError
from streams.edge.persons import Opened, Person, Persons, StoredFeature, read_persons
from streams.wire.connection import Connection
from streams.wire.feature_keys import FeatureKey
from streams.wire.topics import FACE_FEATURES, FILLER_KEY, Topics

HEADERS = [
    ("key_id", b"t-1"),
    ("model_version", b"sface"),
    ("quality", b"0.81"),
    ("consent", "Formular für Zoë".encode()),
    ("consent_basis", b"guardian"),
    ("enrolled_at_ms", b"1700000000000"),
]


def ref(person: str) -> str:
    """The reference of this person; it is the same each time, so that keys can be written down."""
    return hashlib.md5(person.encode()).hexdigest()


def key(gallery: str, person: str, *feature: str) -> bytes:
    return FeatureKey(gallery, ref(person), *feature).encode()


def open_key(value: bytes, key: bytes) -> Opened | None:
    """A key record says whom it is about; one that says nothing does not open."""
    return Opened(value.decode(), b"k" * 32) if value != b"closed" else None


def persons_of() -> Persons:
    return Persons(open_key)


def feature(feature_id: str) -> StoredFeature:
    return StoredFeature(feature_id, "t-1", "sface", 0.81, "Formular für Zoë", "guardian", 1700000000000)


def test_a_person_is_read_from_keys_and_headers() -> None:
    persons = persons_of()

    persons.apply(key("default", "zoë/2"), "zoë/2".encode(), [])
    persons.apply(key("default", "zoë/2", "f2"), b"sealed", HEADERS)
    persons.apply(key("default", "zoë/2", "f1"), b"sealed", HEADERS)
    persons.apply(key("a gallery", "ada", "f1"), b"sealed", HEADERS)

    assert persons.enrolled() == [
        Person("a gallery", ref("ada"), None, (feature("f1"),)),
        Person("default", ref("zoë/2"), "zoë/2", (feature("f1"), feature("f2"))),
    ]


def test_a_persons_tombstone_takes_every_feature() -> None:
    persons = persons_of()
    for name in ("ada", "bob"):
        persons.apply(key("default", name), name.encode(), [])
        persons.apply(key("default", name, "f1"), b"sealed", HEADERS)

    persons.apply(key("default", "ada"), None, [])

    assert [person.person_id for person in persons.enrolled()] == ["bob"]


def test_without_a_feature_nobody_is_enrolled() -> None:
    persons = persons_of()
    persons.apply(key("default", "ada"), b"ada", [])
    persons.apply(key("default", "ada", "f1"), b"sealed", HEADERS)
    persons.apply(key("default", "ada", "f1"), None, [])
    persons.apply(key("default", "nobody", "f1"), None, [])

    assert persons.enrolled() == []


def test_who_was_forgotten_can_come_back() -> None:
    persons = persons_of()
    persons.apply(key("default", "ada", "f1"), b"sealed", HEADERS)
    persons.apply(key("default", "ada"), None, [])
    persons.apply(key("default", "ada"), b"ada", [])
    persons.apply(key("default", "ada", "f2"), b"sealed", HEADERS)

    assert persons.enrolled() == [Person("default", ref("ada"), "ada", (feature("f2"),))]


def test_who_cannot_be_named_is_told_by_reference() -> None:
    persons = persons_of()
    persons.apply(key("default", "ada"), b"closed", [])
    persons.apply(key("default", "ada", "f1"), b"sealed", HEADERS)
    assert persons.enrolled() == [Person("default", ref("ada"), None, (feature("f1"),))]
    assert list(persons.data_keys()) == []


def test_the_data_keys_are_those_of_who_is_there() -> None:
    persons = persons_of()
    for name in ("ada", "bob"):
        persons.apply(key("default", name), name.encode(), [])
    persons.apply(key("default", "bob"), None, [])
    assert list(persons.data_keys()) == [b"k" * 32]
    assert "kkk" not in repr(Opened("ada", b"k" * 32))


def test_absent_and_malformed_headers_are_none() -> None:
    persons = persons_of()

    persons.apply(key("default", "ada", "f1"), b"sealed", [("quality", b"good"), ("enrolled_at_ms", b"-1")])

    assert persons.enrolled()[0].features == (StoredFeature("f1", None, None, None, None, None, None),)


def test_keys_of_others_are_counted() -> None:
    persons = persons_of()

    for foreign in (None, b"", b"~other", b"a/b/c/d", b"\xff/b"):
        persons.apply(foreign, b"", [])

    assert persons.unreadable == 5
    assert persons.enrolled() == []


def test_the_filler_is_skipped() -> None:
    persons = persons_of()

    persons.apply(FILLER_KEY, b"", [])

    assert persons.unreadable == 0
    assert persons.enrolled() == []


@pytest.mark.broker
async def test_the_topic_is_read_to_its_end(connection: Connection, topics: Topics) -> None:
    topic = topics.name(FACE_FEATURES)
    producer = await started_producer(connection, max_picture_bytes=1000)
    try:
        for number in range(30):
            name = f"person {number:02}"
            place = FeatureKey("default", ref(name))
            for parts, value in ((place.encode(), name.encode()), (key("default", name, "f1"), b"sealed")):
                await producer.send(topic, value, key=parts, partition=place.partition(2), headers=HEADERS)
        gone = FeatureKey("default", ref("person 03"))
        await producer.send(topic, None, key=gone.encode(), partition=gone.partition(2))
        await producer.flush()
    finally:
        await producer.stop()

    persons = (await read_persons(connection, topics, open_key)).enrolled()

    assert [person.person_id for person in persons] == [f"person {number:02}" for number in range(30) if number != 3]


@pytest.mark.broker
async def test_an_empty_topic_holds_nobody(connection: Connection, topics: Topics) -> None:
    assert (await read_persons(connection, topics, open_key)).enrolled() == []


async def test_a_missing_broker_is_said() -> None:
    with pytest.raises(BrokerUnreachableError):
        await read_persons(Connection("127.0.0.1:1"), Topics(), open_key)


class SlowConsumer:
    """Answers each poll from a script; its one partition ends at the last scripted record."""

    def __init__(self, polls: list[list[str]]) -> None:
        self._polls = polls
        self._end = sum(len(names) for names in polls)
        self._position = 0
        self.stopped = False

    def assignment(self) -> list[int]:
        return [0]

    async def end_offsets(self, partitions: list[int]) -> dict[int, int]:
        return dict.fromkeys(partitions, self._end)

    async def position(self, _partition: int) -> int:
        return self._position

    async def getmany(self, *, timeout_ms: int) -> dict[int, list[SimpleNamespace]]:
        if not self._polls:
            await asyncio.sleep(timeout_ms / 1000)
            return {}
        names = self._polls.pop(0)
        self._position += len(names)
        records = [SimpleNamespace(key=key("default", name, "f1"), value=b"sealed", headers=[]) for name in names]
        return {0: records} if records else {}

    async def stop(self) -> None:
        self.stopped = True


def scripted(monkeypatch: pytest.MonkeyPatch, consumer: SlowConsumer) -> SlowConsumer:
    async def nothing(*_: object) -> None:
        return None

    async def started(*_: object, from_beginning: bool) -> SlowConsumer:
        assert from_beginning
        return consumer

    monkeypatch.setattr("streams.edge.persons.require_topics", nothing)
    monkeypatch.setattr("streams.edge.persons.started_consumer", started)
    return consumer


async def test_an_empty_poll_before_the_end_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = scripted(monkeypatch, SlowConsumer([[], ["ada"], [], ["bob"]]))

    persons = (await read_persons(Connection("unused:1"), Topics(), open_key)).enrolled()

    assert [person.reference for person in persons] == sorted([ref("ada"), ref("bob")])
    assert consumer.stopped


async def test_a_broker_that_stalls_before_the_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = scripted(monkeypatch, SlowConsumer([["ada"]]))
    consumer._end = 2

    with pytest.raises(BrokerUnreachableError, match="unused:1"):
        await read_persons(Connection("unused:1"), Topics(), open_key, stall_s=0.05)
    assert consumer.stopped


async def test_a_right_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(**_: object) -> None:
        raise TopicAuthorizationFailedError(FACE_FEATURES)

    consumer = scripted(monkeypatch, SlowConsumer([["ada"]]))
    monkeypatch.setattr(consumer, "getmany", refused)

    with pytest.raises(
        BrokerRefusedError, match="a right on topic face-features is missing: `facestreams rights` prints"
    ):
        await read_persons(Connection("unused:1"), Topics(), open_key)
    assert consumer.stopped


def test_headers_that_are_not_of_their_type_are_absent() -> None:
    persons = persons_of()
    headers = [("key_id", None), ("quality", b"nan"), ("consent", b"\xff"), ("enrolled_at_ms", b"9" * 5000)]
    persons.apply(key("default", "ada", "f1"), b"sealed", headers)
    [ada] = persons.enrolled()
    assert ada.features == (StoredFeature("f1", "", None, None, "\ufffd", None, None),)
