"""Topics as text and as JSON."""

import json

import pytest

from streams.cli.topic_tables import difference_lines, topic_lines
from streams.engine.topics.bounds import bounds
from streams.engine.topics.found import FoundTopic, Housekeeping
from streams.engine.topics.inspection import InspectedTopic, Inspection
from streams.engine.topics.promises import compare
from streams.wire.topics import Topics

TOPICS = Topics(prefix="p", partitions=6)


@pytest.fixture
def frames() -> Inspection:
    """camera-frames with another retention and timestamp type, and visits missing."""
    spec, missing = TOPICS.spec("camera-frames"), TOPICS.spec("visits")
    own = {**spec.settings(1), "retention.ms": "1200000", "compression.type": "producer"}
    found = FoundTopic(spec.name, 6, 1, {**own, "segment.bytes": "1000000"}, own)
    brokers = Housekeeping()
    return Inspection(
        [
            InspectedTopic(spec, found, compare(spec, found, replication=1), bounds(spec, found, brokers)),
            InspectedTopic(missing, None, compare(missing, None, replication=1), []),
        ],
        brokers,
    )


def test_a_topic_is_a_table_of_what_is_wanted_and_found(frames) -> None:
    assert list(topic_lines(frames, replication=1, as_json=False)) == [
        "p.main.camera-frames: the encoded picture's bytes; key: camera id",
        "                                  wanted            found",
        "  partitions                      6                 6",
        "  copies                          1                 1",
        "  cleanup.policy                  delete            delete",
        "  retention.ms                    900000 (15 min)   1200000 (20 min)  differs",
        "  segment.ms                      10000 (10 s)      10000 (10 s)",
        "  max.message.bytes               4259840           4259840",
        "  message.timestamp.type          LogAppendTime     LogAppendTime",
        "  compression.type                uncompressed      producer          breaks the promise: bad input does no"
        " harm",
        "  file.delete.delay.ms            5000 (5 s)        5000 (5 s)",
        "  retention.bytes                 -1                -1",
        "  min.insync.replicas             1                 1",
        "  unclean.leader.election.enable  false             false",
        "  segment.bytes                   at least 4259840  1000000           breaks the promise: what keeps to the"
        " limits is taken",
        "  a picture's time on the disks is at most 25 min 15 s",
        "    from retention.ms 20 min, segment.ms 10 s, log.retention.check.interval.ms 5 min,"
        " file.delete.delay.ms 5 s",
        "  a processed picture's time on the disks is at most 5 min 26 s from when it and what came right after it on"
        " its partition is processed, while a worker runs",
        "    from segment.ms 10 s x 2, purge.interval.ms 1 s, log.retention.check.interval.ms 5 min,"
        " file.delete.delay.ms 5 s",
        "",
        "p.main.visits: OpenVisits; key: camera id",
        "  does not exist (breaks the promise: every topic is there)",
        "",
    ]


def test_a_topic_as_json_is_one_object_a_line(frames) -> None:
    found, missing = map(json.loads, topic_lines(frames, replication=1, as_json=True))
    assert set(found) == set(missing) == {"topic", "wanted", "found", "differences", "bounds"}
    assert found["wanted"]["settings"]["retention.ms"] == "900000"
    assert found["found"]["settings"]["retention.ms"] == "1200000"
    net, processed = found["bounds"]
    assert (net["at_most"], net["unit"], net["promise"]) == (1_515_000, "ms", None)
    assert net["inputs"]["segment.ms"] == {"value": 10000, "times": 1}
    assert (processed["at_most"], processed["promised"], processed["promise"]) == (326_000, 900_000, None)
    assert (missing["topic"], missing["found"], missing["bounds"]) == ("p.main.visits", None, [])


def test_what_breaks_a_promise_is_said_first(frames) -> None:
    assert list(difference_lines(frames, as_json=False)) == [
        "p.main.camera-frames has compression.type=producer, expected uncompressed"
        " (breaks the promise: bad input does no harm)",
        "p.main.camera-frames has segment.bytes=1000000, expected at least 4259840"
        " (breaks the promise: what keeps to the limits is taken)",
        "p.main.visits does not exist (breaks the promise: every topic is there)",
        "p.main.camera-frames has retention.ms=1200000, expected 900000 (only differs)",
    ]


def test_differences_as_json_name_the_promise_or_none(frames) -> None:
    lines = [json.loads(line) for line in difference_lines(frames, as_json=True)]
    assert [(line["setting"], line["promise"]) for line in lines] == [
        ("retention.ms", None),
        ("compression.type", "bad input does no harm"),
        ("segment.bytes", "what keeps to the limits is taken"),
        ("", "every topic is there"),
    ]


def test_a_limit_that_is_not_kept_is_a_line_of_its_own() -> None:
    spec = TOPICS.spec("error-log")
    own = {**spec.settings(1), "retention.bytes": "1900000000"}
    found = FoundTopic(spec.name, 1, 1, own, own)
    limits = bounds(spec, found, Housekeeping())
    inspection = Inspection([InspectedTopic(spec, found, [], limits)], Housekeeping())
    [line] = difference_lines(inspection, as_json=True)
    assert json.loads(line)["promise"] == "the error log has a ceiling"
    assert "(breaks the promise: the error log has a ceiling)" in "\n".join(
        topic_lines(inspection, replication=1, as_json=False)
    )
