"""All topics together: what breaks a promise, what only differs, what can be mended."""

from dataclasses import replace

import pytest

from streams.engine.brokers import KAFKA
from streams.engine.topics import inspection
from streams.engine.topics.admin import AdminError, create_missing
from streams.engine.topics.bounds import bounds
from streams.engine.topics.found import Housekeeping
from streams.engine.topics.inspection import InspectedTopic, Inspection
from streams.engine.topics.promises import compare
from streams.wire.connection import Connection
from streams.wire.topics import Topics

TOPICS = Topics(prefix="p", partitions=6)


@pytest.fixture
def inspected(as_found):
    """All topics as declared, but for settings of some: {short name: {setting: value}}."""

    def make(changed, *, compacts=True) -> Inspection:
        brokers, topics = Housekeeping(compacts=compacts), []
        for spec in TOPICS:
            found = as_found(spec, **changed.get(spec.short, {}))
            limits = bounds(spec, found, brokers)
            topics.append(InspectedTopic(spec, found, compare(spec, found, replication=1), limits))
        return Inspection(topics, brokers)

    return make


def test_topics_as_declared_keep_every_promise_on_a_broker_with_kafkas_defaults(inspected) -> None:
    found = inspected({})
    assert (found.broken, found.remarks, found.differences) == ([], [], [])
    assert [bound.topic.split(".")[-1] for bound in found.bounds] == [
        *["camera-frames"] * 2,
        *["gallery-commands"] * 2,
        "gallery-events",
        *["erasures"] * 2,
        *["face-features"] * 2,
        "recognitions",
        "sightings",
        *["visits"] * 2,
        *["running-log"] * 2,
        "error-log",
    ]


def test_what_breaks_a_promise_is_apart_from_what_only_differs(inspected) -> None:
    found = inspected({"camera-frames": {"retention_ms": "3600000"}, "sightings": {"retention_ms": "3600000"}})
    assert found.broken == [
        "p.main.camera-frames: a picture's time on the disks is at most 1 h 5 min 15 s; promised: 30 min"
        " (breaks the promise: pictures are transport only)"
    ]
    assert found.remarks == [
        "p.main.camera-frames has retention.ms=3600000, expected 900000",
        "p.main.sightings has retention.ms=3600000, expected 604800000",
    ]


def test_the_brokers_alone_may_break_a_promise(inspected) -> None:
    found = inspected({}, compacts=False)
    assert found.differences == []
    assert {sentence.split(": ", maxsplit=1)[0] for sentence in found.broken} == {
        f"p.main.{short}" for short in ("erasures", "face-features", "visits", "running-log")
    }


def test_settings_can_be_mended_and_shapes_cannot(inspected) -> None:
    found = inspected({"visits": {"cleanup_policy": "delete"}, "camera-frames": {"segment_bytes": "1048576"}})
    frames = replace(found.topics[1], differences=compare(found.topics[1].spec, None, replication=1))
    wider = replace(found, topics=[*found.topics, frames])
    assert [(each.topic, each.setting) for each in inspection.mendable(wider, replication=1)] == [
        ("p.main.visits", "cleanup.policy")
    ]


@pytest.mark.broker
async def test_differences_are_said_in_words(broker, connection, topics) -> None:
    await create_missing(connection, topics, replication=1)
    as_created = await inspection.inspect(connection, topics, replication=1, broker=broker)
    assert (as_created.broken, as_created.remarks) == ([], [])
    wider = await inspection.inspect(connection, replace(topics, partitions=5), replication=1, broker=broker)
    assert f"{topics.name('camera-frames')} has 4 partitions, expected 5" in [
        difference.sentence for difference in wider.differences
    ]
    other = replace(topics, account="other")
    missing = await inspection.inspect(connection, other, replication=1, broker=broker)
    assert [difference.sentence for difference in missing.differences] == [
        f"{spec.name} does not exist" for spec in other
    ]


@pytest.mark.broker
async def test_a_broker_that_keeps_no_settings_has_no_limits(broker, connection, topics) -> None:
    await create_missing(connection, topics, replication=1)
    found = await inspection.inspect(connection, topics, replication=1, broker=broker)
    assert bool(found.bounds) == (found.brokers is not None) == broker.retains


async def test_no_broker_is_one_line_that_names_the_address(topics) -> None:
    with pytest.raises(AdminError, match=r"^no broker answers at 127\.0\.0\.1:1:"):
        await inspection.inspect(Connection("127.0.0.1:1"), topics, replication=1, broker=KAFKA)
