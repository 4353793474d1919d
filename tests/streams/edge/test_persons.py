import hashlib
from dataclasses import dataclass

import pytest

from streams.edge.broker import started_producer
from streams.edge.persons import Opened, OpenKey, Person, Persons, StoredFeature, read_persons
from streams.engine.brokers import Broker
from streams.wire.connection import Connection
from streams.wire.feature_keys import FeatureKey
from streams.wire.topics import FACE_FEATURES, Topics

PARTITIONS = 2

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
    """A key record says whom it is about; one that says nothing does not open. Features open with their headers."""
    return Opened(value.decode(), b"k" * 32, lambda record: record.headers == HEADERS) if value != b"closed" else None


@dataclass
class Record:
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class Applied(Persons):
    """Takes records where their keys say that they stand."""

    def put(self, raw: bytes, value: bytes | None, headers) -> None:
        self.apply(Record(FeatureKey.decode(raw).partition(PARTITIONS), raw, value, headers))


def persons_of(opening: OpenKey = open_key) -> Applied:
    return Applied(opening, PARTITIONS)


def feature(feature_id: str, *, opens: bool = True) -> StoredFeature:
    return StoredFeature(feature_id, opens, "t-1", "sface", 0.81, "Formular für Zoë", "guardian", 1700000000000)


def test_a_person_is_read_from_keys_and_headers() -> None:
    persons = persons_of()

    persons.put(key("default", "zoë/2"), "zoë/2".encode(), [])
    persons.put(key("default", "zoë/2", "f2"), b"sealed", HEADERS)
    persons.put(key("default", "zoë/2", "f1"), b"sealed", HEADERS)
    persons.put(key("a gallery", "ada", "f1"), b"sealed", HEADERS)

    assert persons.enrolled() == [
        Person("a gallery", ref("ada"), None, (feature("f1", opens=False),)),
        Person("default", ref("zoë/2"), "zoë/2", (feature("f1"), feature("f2"))),
    ]


def test_a_persons_tombstone_takes_the_name_and_a_features_tombstone_the_feature() -> None:
    persons = persons_of()
    for name in ("ada", "bob"):
        persons.put(key("default", name), name.encode(), [])
        persons.put(key("default", name, "f1"), b"sealed", HEADERS)

    persons.put(key("default", "ada"), None, [])
    assert {person.person_id: person.reference for person in persons.enrolled()} == {
        None: ref("ada"),
        "bob": ref("bob"),
    }

    persons.put(key("default", "ada", "f1"), None, [])
    assert [person.person_id for person in persons.enrolled()] == ["bob"]


def test_a_feature_that_does_not_open_with_its_headers_is_told_from_one_that_does() -> None:
    persons = persons_of()
    persons.put(key("default", "ada"), b"ada", [])
    persons.put(key("default", "ada", "f1"), b"sealed", HEADERS)
    persons.put(key("default", "ada", "f2"), b"sealed", [*HEADERS[:3], ("consent", b"another"), *HEADERS[4:]])
    [ada] = persons.enrolled()
    assert [each.opens for each in ada.features] == [True, False]

    persons.put(key("default", "ada"), None, [])
    [nobody] = persons.enrolled()
    assert [each.opens for each in nobody.features] == [False, False]


def test_without_a_feature_nobody_is_enrolled() -> None:
    persons = persons_of()
    persons.put(key("default", "ada"), b"ada", [])
    persons.put(key("default", "ada", "f1"), b"sealed", HEADERS)
    persons.put(key("default", "ada", "f1"), None, [])
    persons.put(key("default", "nobody", "f1"), None, [])

    assert persons.enrolled() == []


def test_who_was_forgotten_can_come_back() -> None:
    persons = persons_of()
    persons.put(key("default", "ada", "f1"), b"sealed", HEADERS)
    for gone in (key("default", "ada"), key("default", "ada", "f1")):
        persons.put(gone, None, [])
    persons.put(key("default", "ada"), b"ada", [])
    persons.put(key("default", "ada", "f2"), b"sealed", HEADERS)

    assert persons.enrolled() == [Person("default", ref("ada"), "ada", (feature("f2"),))]


def test_who_cannot_be_named_is_told_by_reference() -> None:
    persons = persons_of()
    persons.put(key("default", "ada"), b"closed", [])
    persons.put(key("default", "ada", "f1"), b"sealed", HEADERS)
    assert persons.enrolled() == [Person("default", ref("ada"), None, (feature("f1", opens=False),))]
    assert list(persons.data_keys()) == []


def test_the_data_keys_are_those_of_who_is_there() -> None:
    persons = persons_of()
    for name in ("ada", "bob"):
        persons.put(key("default", name), name.encode(), [])
    persons.put(key("default", "bob"), None, [])
    assert list(persons.data_keys()) == [b"k" * 32]
    assert "kkk" not in repr(Opened("ada", b"k" * 32, bool))


def test_absent_and_malformed_headers_are_none() -> None:
    persons = persons_of()

    persons.put(key("default", "ada", "f1"), b"sealed", [("quality", b"good"), ("enrolled_at_ms", b"-1")])

    assert persons.enrolled()[0].features == (StoredFeature("f1", False, None, None, None, None, None, None),)


def test_keys_of_others_are_counted() -> None:
    persons = persons_of()

    for foreign in (None, b"", b"~other", b"a/b/c/d", b"\xff/b"):
        persons.apply(Record(0, foreign, b"", []))

    assert persons.passed_over == 5
    assert persons.enrolled() == []


def test_an_empty_value_is_no_tombstone() -> None:
    persons = persons_of(lambda value, key: open_key(value, key) if value else None)
    persons.put(key("default", "ada"), b"ada", [])
    persons.put(key("default", "ada", "f1"), b"sealed", HEADERS)
    persons.put(key("default", "ada", "f1"), b"", HEADERS)
    persons.put(key("default", "ada"), b"", [])
    assert persons.enrolled() == [Person("default", ref("ada"), None, (feature("f1", opens=False),))]


def test_what_stands_in_another_partition_than_its_key_names_enrolls_nobody_and_is_counted() -> None:
    persons = persons_of()
    for raw in (key("default", "ada"), key("default", "ada", "f1")):
        astray = (FeatureKey.decode(raw).partition(PARTITIONS) + 1) % PARTITIONS
        persons.apply(Record(astray, raw, b"ada", HEADERS))

    assert (persons.enrolled(), persons.passed_over) == ([], 2)


@pytest.mark.broker
async def test_the_topic_is_read_to_its_end(broker: Broker, connection: Connection, topics: Topics) -> None:
    topic = topics.name(FACE_FEATURES)
    producer = await started_producer(connection, max_picture_bytes=1000)
    try:
        for number in range(30):
            name = f"person {number:02}"
            place = FeatureKey("default", ref(name))
            for parts, value in ((place.encode(), name.encode()), (key("default", name, "f1"), b"sealed")):
                await producer.send(topic, value, key=parts, partition=place.partition(2), headers=HEADERS)
        gone = FeatureKey("default", ref("person 03"))
        for raw in (gone.encode(), key("default", "person 03", "f1")):
            await producer.send(topic, None, key=raw, partition=gone.partition(2))
        await producer.flush()
    finally:
        await producer.stop()

    persons = (await read_persons(connection, topics, open_key, exact_ends=broker.exact_ends)).enrolled()

    assert [person.person_id for person in persons] == [f"person {number:02}" for number in range(30) if number != 3]


@pytest.mark.broker
async def test_an_empty_topic_holds_nobody(broker: Broker, connection: Connection, topics: Topics) -> None:
    assert (await read_persons(connection, topics, open_key, exact_ends=broker.exact_ends)).enrolled() == []


def test_headers_that_are_not_of_their_type_are_absent() -> None:
    persons = persons_of()
    headers = [("key_id", None), ("quality", b"nan"), ("consent", b"\xff"), ("enrolled_at_ms", b"9" * 5000)]
    persons.put(key("default", "ada", "f1"), b"sealed", headers)
    [ada] = persons.enrolled()
    assert ada.features == (StoredFeature("f1", False, "", None, None, "\ufffd", None, None),)
