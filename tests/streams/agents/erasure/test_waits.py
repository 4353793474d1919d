"""How long the brokers may take, from their settings."""

from streams.agents.erasure.waits import waits
from streams.engine.found import FoundTopic, Housekeeping
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


def test_a_segment_that_rolls_sooner_is_closed_sooner() -> None:
    topics = Topics()
    given = {
        name: FoundTopic(name, 1, 1, {**topic.config, "segment.ms": "7000"}, {})
        for name, topic in found(topics, 1).items()
    }
    assert waits(topics, given, Housekeeping()).lag == 7_000
