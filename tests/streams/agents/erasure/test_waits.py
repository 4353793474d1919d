"""How long the brokers may take, from their settings."""

import pytest

from streams.agents.erasure.waits import waits
from streams.engine.topics.admin import AdminError
from streams.engine.topics.found import FoundTopic, Housekeeping
from streams.wire.topics import Topics


def found(topics: Topics, copies: int) -> dict[str, FoundTopic]:
    broker = {"segment.ms": "604800000", "delete.retention.ms": "86400000"}
    return {spec.name: FoundTopic(spec.name, spec.partitions, copies, broker | spec.config, {}) for spec in topics}


def test_with_the_declared_settings_and_kafkas_defaults() -> None:
    topics = Topics()
    one = waits(topics, found(topics, 1), Housekeeping())
    assert (one.lag, one.backoff, one.copies, one.tombstones) == (60_000, 15_000, 5_000, 86_400_000)
    assert one.command == 2 * 30_000 + 1_000 + 300_000 + 5_000
    three = waits(topics, found(topics, 3), Housekeeping())
    assert three.copies == 15_000 + 10_000 + 5_000
    assert three.at_most == max(60_000 + 15_000 + 30_000 + 15_000, three.command + 5_000)


@pytest.mark.parametrize(
    ("short", "changes", "said"),
    [
        ("visits", {"delete.retention.ms": None}, "does not tell delete.retention.ms of facestreams.main.visits"),
        ("gallery-commands", {"cleanup.policy": "compact"}, "has no limit, since cleanup.policy is compact"),
    ],
)
def test_what_brokers_do_not_tell_or_leave_open_is_said(short, changes, said) -> None:
    topics = Topics()
    name = topics.name(short)
    topic = found(topics, 1)[name]
    config = {key: value for key, value in (dict(topic.config) | changes).items() if value is not None}
    given = found(topics, 1) | {name: FoundTopic(name, 1, 1, config, {})}
    with pytest.raises(AdminError, match=said):
        waits(topics, given, Housekeeping())


def test_a_segment_that_rolls_sooner_is_closed_sooner() -> None:
    topics = Topics()
    given = {
        name: FoundTopic(name, 1, 1, {**topic.config, "segment.ms": "7000"}, {})
        for name, topic in found(topics, 1).items()
    }
    assert waits(topics, given, Housekeeping()).lag == 7_000
