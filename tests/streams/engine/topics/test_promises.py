"""Which differences break a promise, which one, and which are only differences."""

from dataclasses import replace

import pytest

from streams.engine.topics.found import FoundTopic
from streams.engine.topics.promises import Difference, Promise, compare
from streams.wire.topics import Topics

TOPICS = Topics(prefix="p", partitions=6)

BREAKING = [
    ("camera-frames", "cleanup.policy", "compact", Promise.NOTHING_LOST),
    ("camera-frames", "cleanup.policy", "compact,delete", Promise.NOTHING_LOST),
    ("camera-frames", "cleanup.policy", "", Promise.TRANSPORT_ONLY),
    ("recognitions", "cleanup.policy", "compact,delete", Promise.NOTHING_LOST),
    ("recognitions", "cleanup.policy", "", Promise.FORGOTTEN),
    ("face-features", "cleanup.policy", "compact,delete", Promise.KEPT),
    ("face-features", "cleanup.policy", "delete", Promise.KEPT),
    ("face-features", "cleanup.policy", "", Promise.FORGOTTEN),
    ("running-log", "cleanup.policy", "delete", Promise.KEPT),
    ("control", "cleanup.policy", "delete, compact", Promise.KEPT),
    ("camera-frames", "message.timestamp.type", "CreateTime", Promise.BROKERS_TIME),
    ("gallery-commands", "message.timestamp.type", "CreateTime", Promise.BROKERS_TIME),
    ("recognitions", "message.timestamp.type", "CreateTime", Promise.BROKERS_TIME),
    ("sightings", "message.timestamp.type", "CreateTime", Promise.BROKERS_TIME),
    ("error-log", "message.timestamp.type", "CreateTime", Promise.BROKERS_TIME),
    ("camera-frames", "max.message.bytes", "1048588", Promise.TAKEN),
    ("recognitions", "max.message.bytes", "1000", Promise.TAKEN),
    ("camera-frames", "compression.type", "producer", Promise.HARMLESS),
    ("visits", "unclean.leader.election.enable", "true", Promise.NOTHING_LOST),
    ("face-features", "delete.retention.ms", "86399999", Promise.FORGOTTEN),
]

ONLY_DIFFERING = [
    ("camera-frames", "retention.ms", "60000"),
    ("camera-frames", "retention.bytes", "1000000"),
    ("camera-frames", "segment.ms", "120000"),
    ("recognitions", "retention.ms", "1209600000"),
    ("sightings", "retention.ms", "3600000"),
    ("face-features", "max.compaction.lag.ms", "1000"),
    ("face-features", "delete.retention.ms", "86400001"),
    ("error-log", "file.delete.delay.ms", "0"),
]

THE_SAME = [
    ("camera-frames", "max.message.bytes", "8388608"),
    ("recognitions", "compression.type", "gzip"),
    ("gallery-events", "message.timestamp.type", "LogAppendTime"),
    ("camera-frames", "flush.ms", "1000"),
]


@pytest.mark.parametrize("replication", [1, 2, 3])
def test_topics_as_declared_do_not_differ(as_found, replication) -> None:
    for spec in TOPICS:
        assert compare(spec, as_found(spec, replication=replication), replication=replication) == []


@pytest.mark.parametrize(("short", "setting", "value", "promise"), BREAKING)
def test_breaks_a_promise(as_found, short, setting, value, promise) -> None:
    spec = TOPICS.spec(short)
    found = as_found(spec, **{setting: value})
    wanted = spec.settings(1)[setting]
    assert compare(spec, found, replication=1) == [Difference(spec.name, setting, wanted, value, promise)]


@pytest.mark.parametrize(("short", "setting", "value"), ONLY_DIFFERING)
def test_only_differs(as_found, short, setting, value) -> None:
    spec = TOPICS.spec(short)
    found = as_found(spec, **{setting: value})
    assert compare(spec, found, replication=1) == [Difference(spec.name, setting, spec.config[setting], value, None)]


@pytest.mark.parametrize(("short", "setting", "value"), THE_SAME)
def test_is_no_difference(as_found, short, setting, value) -> None:
    spec = TOPICS.spec(short)
    assert compare(spec, as_found(spec, **{setting: value}), replication=1) == []


@pytest.mark.parametrize(
    ("copies", "in_sync", "promise"),
    [
        (3, "1", Promise.NOTHING_LOST),  # what is acknowledged may be on one disk alone
        (3, "3", None),  # workers hold while any broker is away
        (3, "4", Promise.TAKEN),  # no record is ever taken
    ],
)
def test_copies_that_must_be_in_sync(as_found, copies, in_sync, promise) -> None:
    spec = TOPICS.spec("recognitions")
    found = as_found(spec, replication=copies, min_insync_replicas=in_sync)
    assert compare(spec, found, replication=3) == [Difference(spec.name, "min.insync.replicas", "2", in_sync, promise)]


def test_fewer_copies_break_a_promise_and_more_are_no_difference(as_found) -> None:
    spec = TOPICS.spec("visits")
    [fewer] = compare(spec, as_found(spec, replication=3, copies=2), replication=3)
    assert fewer == Difference(spec.name, "copies", "3", "2", Promise.NOTHING_LOST)
    assert fewer.sentence == "p.main.visits has 2 replicas, expected at least 3"
    assert compare(spec, as_found(spec, replication=1, copies=3), replication=1) == []


@pytest.mark.parametrize(
    ("short", "promise"), [("camera-frames", Promise.ORDERED), ("running-log", Promise.ORDERED), ("control", None)]
)
def test_another_number_of_partitions(as_found, short, promise) -> None:
    spec = TOPICS.spec(short)
    [difference] = compare(spec, replace(as_found(spec), partitions=9), replication=1)
    assert difference == Difference(spec.name, "partitions", str(spec.partitions), "9", promise)
    assert difference.sentence == f"p.main.{short} has 9 partitions, expected {spec.partitions}"


def test_a_segment_takes_nothing_that_is_larger_than_itself(as_found) -> None:
    spec = TOPICS.spec("camera-frames")
    [difference] = compare(spec, as_found(spec, segment_bytes="1048576"), replication=1)
    assert difference.promise is Promise.TAKEN
    assert difference.sentence == "p.main.camera-frames has segment.bytes=1048576, expected at least 4259840"


def test_a_missing_topic_is_the_only_thing_said_of_it() -> None:
    [difference] = compare(TOPICS.spec("visits"), None, replication=1)
    assert (difference.sentence, difference.promise) == ("p.main.visits does not exist", Promise.PRESENT)


def test_a_setting_is_said_with_what_was_expected(as_found) -> None:
    spec = TOPICS.spec("camera-frames")
    [difference] = compare(spec, as_found(spec, retention_ms="3600000"), replication=1)
    assert difference.sentence == "p.main.camera-frames has retention.ms=3600000, expected 900000"


def test_of_a_broker_that_tells_no_settings_the_shape_alone_is_compared() -> None:
    spec = TOPICS.spec("camera-frames")
    assert compare(spec, FoundTopic(spec.name, 6, 1, {}, {}), replication=1) == []
    [difference] = compare(spec, FoundTopic(spec.name, 5, 1, {}, {}), replication=1)
    assert difference.setting == "partitions"
