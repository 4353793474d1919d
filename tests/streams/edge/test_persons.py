import hashlib

import pytest

from streams.edge.broker import started_producer
from streams.edge.persons import Opened, Person, Persons, StoredFeature, read_persons
from streams.engine.brokers import Broker
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


def test_an_empty_value_is_no_tombstone() -> None:
    persons = Persons(lambda value, _key: Opened(value.decode(), b"k" * 32) if value else None)
    persons.apply(key("default", "ada"), b"ada", [])
    persons.apply(key("default", "ada", "f1"), b"sealed", HEADERS)
    persons.apply(key("default", "ada", "f1"), b"", HEADERS)
    persons.apply(key("default", "ada"), b"", [])
    assert persons.enrolled() == [Person("default", ref("ada"), None, (feature("f1"),))]


def test_the_filler_is_skipped() -> None:
    persons = persons_of()

    persons.apply(FILLER_KEY, b"", [])

    assert persons.unreadable == 0
    assert persons.enrolled() == []


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
        await producer.send(topic, None, key=gone.encode(), partition=gone.partition(2))
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
    persons.apply(key("default", "ada", "f1"), b"sealed", headers)
    [ada] = persons.enrolled()
    assert ada.features == (StoredFeature("f1", "", None, None, "\ufffd", None, None),)
