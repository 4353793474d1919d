"""The topics, and what the brokers do with them, as the cluster has it.

aiokafka's admin calls do not raise on refusal: the error code stands in the answer and is read here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from streams.engine.topics.admin import AdminError

SET_ON_THE_TOPIC: Final = 1
"""A setting's source, in Kafka's protocol: the topic's own, in contrast to one that it takes over from the brokers."""


@dataclass(frozen=True, slots=True)
class FoundTopic:
    """One topic.

    copies: the fewest that any of its partitions has. in_sync: each of them has what the leader has.
    config: every setting that is in effect; empty for a broker that tells none. own: those set on the topic itself.
    """

    name: str
    partitions: int
    copies: int
    config: Mapping[str, str]
    own: Mapping[str, str]
    in_sync: bool = True


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """What the brokers' own settings say of how soon a thing is removed; of several brokers the slowest.

    assumed: this user may not read them, so these are Kafka's defaults.
    """

    retention_check_ms: int = 300_000
    cleaner_backoff_ms: int = 15_000
    compacts: bool = True
    assumed: bool = False


async def read_topics(client: AIOKafkaAdminClient, names: Sequence[str], *, configs: bool) -> dict[str, FoundTopic]:
    """Those of the topics that exist, by name; without `configs` their settings are not asked for.

    Raises AdminError where this user may not know.
    """
    existing = set(await client.list_topics())
    present = [name for name in names if name in existing]
    described = await describe(client, present) if present else {}
    read = await _topic_configs(client, present) if configs and present else {}
    return {name: _topic(described[name], read.get(name, {})) for name in present}


async def describe(client: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Each of these topics as the broker's metadata has it, by name, with all its partitions.

    Raises AdminError where the broker does not describe one: a topic without partitions would pass for one of which
    everything is true.
    """
    described = {topic["topic"]: topic for topic in await client.describe_topics(list(names))}
    for name in names:
        topic = described.get(name)
        if topic is None:
            raise AdminError(f"the broker says nothing of {name}")
        if topic["error_code"] == UnknownTopicOrPartitionError.errno:
            raise AdminError(f"{name} was deleted while it was looked at")
        if topic["error_code"]:
            raise AdminError(f"the broker does not describe {name}: {for_code(topic['error_code']).__name__}")
        if not topic["partitions"]:
            raise AdminError(f"the broker names no partition of {name}")
    return described


def _topic(described: Mapping[str, Any], config: Mapping[str, tuple[str, int]]) -> FoundTopic:
    partitions = described["partitions"]
    return FoundTopic(
        name=described["topic"],
        partitions=len(partitions),
        copies=min((len(partition["replicas"]) for partition in partitions), default=0),
        config={name: value for name, (value, _source) in config.items()},
        own={name: value for name, (value, source) in config.items() if source == SET_ON_THE_TOPIC},
        in_sync=are_in_sync(partitions),
    )


def are_in_sync(partitions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every copy of these partitions, as `describe` tells them, has what the leader has."""
    return all(each["error_code"] == 0 and set(each["isr"]) == set(each["replicas"]) for each in partitions)


async def _topic_configs(client: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, tuple[str, int]]]:
    answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    found = {}
    for code, message, name, config in _resources(answers):
        if code == TopicAuthorizationFailedError.errno:
            raise AdminError(f"this user may not read the settings of {name}: it needs the right DescribeConfigs on it")
        if code == UnknownTopicOrPartitionError.errno:
            raise AdminError(f"{name} was deleted while it was looked at")
        if code:
            raise AdminError(f"the broker does not tell the settings of {name}: {for_code(code).__name__} {message}")
        found[name] = config
    return found


async def read_housekeeping(client: AIOKafkaAdminClient) -> Housekeeping:
    """Of all brokers that run. Raises AdminError."""
    nodes = [str(broker["node_id"]) for broker in (await client.describe_cluster())["brokers"]]
    configs = []
    for code, message, node, config in _resources(
        await client.describe_configs([ConfigResource(ConfigResourceType.BROKER, node) for node in nodes])
    ):
        if code == ClusterAuthorizationFailedError.errno:
            return Housekeeping(assumed=True)
        if code:
            raise AdminError(f"broker {node} does not tell its settings: {for_code(code).__name__} {message}")
        configs.append(config)

    def slowest(name: str) -> int:
        try:
            return max(int(config[name][0]) for config in configs)
        except KeyError:
            raise AdminError(f"the brokers do not tell {name}; Apache Kafka 4 does") from None

    return Housekeeping(
        retention_check_ms=slowest("log.retention.check.interval.ms"),
        cleaner_backoff_ms=slowest("log.cleaner.backoff.ms"),
        compacts=all(config.get("log.cleaner.enable", ("true",))[0] == "true" for config in configs),
    )


def _resources(answers: Sequence[Any]) -> Iterator[tuple[int, str, str, dict[str, tuple[str, int]]]]:
    """Error code, message, name, and value and source of each setting that has a value."""
    for answer in answers:
        for code, message, _kind, name, entries in answer.resources:
            yield (
                code,
                message or "",
                name,
                {entry[0]: (entry[1], entry[3]) for entry in entries if entry[1] is not None},
            )
