"""How long a thing is on the brokers' disks, for topics as they are created; the documents' figures are held to it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from streams.engine.topics.bounds import Bound, bounds
from streams.engine.topics.found import FoundTopic, Housekeeping
from streams.wire.topics import ERROR_LOG, Topics, TopicSpec
from tests.house.containers import compose

DELETE_DELAY_BY_DEFAULT_MS: Final = 60_000


def found_as_created(spec: TopicSpec, delete_delay_ms: int) -> FoundTopic:
    """What a broker tells of the topic. delete_delay_ms: the broker's, where the topic has none of its own."""
    others = {
        "message.timestamp.type": "CreateTime",
        "message.timestamp.after.max.ms": "3600000",
        "delete.retention.ms": "86400000",
        "file.delete.delay.ms": str(delete_delay_ms),
    }
    settings = spec.settings(1)
    return FoundTopic(spec.name, spec.partitions, 1, others | settings, settings)


def by_default() -> dict[str, list[Bound]]:
    """Of each topic, on brokers with Kafka's defaults."""
    return _of_each(Housekeeping(), DELETE_DELAY_BY_DEFAULT_MS)


def as_composed() -> dict[str, list[Bound]]:
    """Of each topic, on the broker of docker-compose.yml."""
    broker = _composed_ms()
    housekeeping = Housekeeping(broker["LOG_RETENTION_CHECK_INTERVAL_MS"], broker["LOG_CLEANER_BACKOFF_MS"])
    return _of_each(housekeeping, broker["LOG_SEGMENT_DELETE_DELAY_MS"])


def removed_within_ms(spec: TopicSpec) -> int:
    """Of a topic that is not compacted, by time alone, on brokers with Kafka's defaults."""
    assert not spec.compacted
    # of the error log the size is promised; its age follows as any topic's does
    aged = replace(spec, short="any") if spec.short == ERROR_LOG else spec
    by_time = bounds(aged, found_as_created(spec, DELETE_DELAY_BY_DEFAULT_MS), Housekeeping())[0]
    assert "retention.ms" in by_time.inputs
    assert by_time.at_most is not None
    return by_time.at_most


def _composed_ms() -> Mapping[str, int]:
    environment = compose()["services"]["kafka"]["environment"]
    return {name.removeprefix("KAFKA_"): int(value) for name, value in environment.items() if name.endswith("_MS")}


def _of_each(brokers: Housekeeping, delete_delay_ms: int) -> dict[str, list[Bound]]:
    return {spec.short: bounds(spec, found_as_created(spec, delete_delay_ms), brokers) for spec in Topics()}
