"""The topics held against what is declared and promised; and, on demand, mended."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from streams.engine.brokers import Broker
from streams.engine.topics.admin import SETTLE_S, AdminError, admin_client, require_rights
from streams.engine.topics.bounds import Bound, bounds
from streams.engine.topics.found import FoundTopic, Housekeeping, read_housekeeping, read_topics
from streams.engine.topics.promises import Difference, compare
from streams.wire.connection import Connection
from streams.wire.rights import Role, seeing
from streams.wire.topics import Topics, TopicSpec


@dataclass(frozen=True, slots=True)
class InspectedTopic:
    """found: None where the topic is missing."""

    spec: TopicSpec
    found: FoundTopic | None
    differences: Sequence[Difference]
    bounds: Sequence[Bound]


@dataclass(frozen=True, slots=True)
class Inspection:
    """All topics of an account. brokers: None for a broker that tells no settings; then there are no limits."""

    topics: Sequence[InspectedTopic]
    brokers: Housekeeping | None

    @property
    def differences(self) -> list[Difference]:
        """Of all topics."""
        return [difference for topic in self.topics for difference in topic.differences]

    @property
    def in_sync(self) -> bool:
        """Whether no copy of any topic is away."""
        return all(topic.found is None or topic.found.in_sync for topic in self.topics)

    @property
    def bounds(self) -> list[Bound]:
        """Of all topics."""
        return [bound for topic in self.topics for bound in topic.bounds]

    @property
    def broken(self) -> list[str]:
        """What breaks a promise, one sentence each."""
        sentences = [(each.sentence, each.promise) for each in self.differences if each.promise is not None]
        sentences += [(bound.sentence, bound.promise) for bound in self.bounds if bound.broken]
        return [f"{sentence} (breaks the promise: {promise})" for sentence, promise in sentences]

    @property
    def remarks(self) -> list[str]:
        """What only differs, one sentence each."""
        return [difference.sentence for difference in self.differences if difference.promise is None]


async def inspect(
    connection: Connection, topics: Topics, *, replication: int, broker: Broker, role: Role = Role.OPERATOR
) -> Inspection:
    """Look at the topics, and at the settings of topics and brokers where this broker has any.

    role: whose rights are to be given where one is missing. Raises AdminError.
    """
    specs = list(topics)
    await require_rights(connection, role, seeing(topics))
    async with admin_client(connection) as client:
        found = await read_topics(client, [spec.name for spec in specs], configs=broker.retains)
        brokers = await read_housekeeping(client) if broker.retains else None
    return Inspection([_inspected(spec, found.get(spec.name), brokers, replication) for spec in specs], brokers)


def _inspected(
    spec: TopicSpec, found: FoundTopic | None, brokers: Housekeeping | None, replication: int
) -> InspectedTopic:
    differences = compare(spec, found, replication=replication)
    limits = [] if found is None or brokers is None else bounds(spec, found, brokers)
    return InspectedTopic(spec, found, differences, limits)


def mendable(inspection: Inspection, *, replication: int) -> list[Difference]:
    """The differences that `mend` can undo: settings of topics, as declared. Their shape stays as it is."""
    declared = {topic.spec.name: topic.spec.settings(replication) for topic in inspection.topics}
    return [
        difference
        for difference in inspection.differences
        if difference.wanted == declared[difference.topic].get(difference.setting)
    ]


async def mend(connection: Connection, differences: Sequence[Difference]) -> None:
    """Set each of these settings to what is wanted, and leave all others. Raises AdminError.

    Kafka's AlterConfigs replaces all that is set on a topic, so what is set there now is sent along. What somebody
    else sets in the same moment is lost. Returns once the broker tells what was set.
    """
    wanted: dict[str, dict[str, str]] = {}
    for difference in differences:
        wanted.setdefault(difference.topic, {})[difference.setting] = difference.wanted
    async with admin_client(connection) as client:
        now = await read_topics(client, list(wanted), configs=True)
        for name, settings in wanted.items():
            if name not in now:
                raise AdminError(f"{name} does not exist")
            await _alter(client, name, {**now[name].own, **settings})
        await _settle(client, wanted)


async def _alter(client: AIOKafkaAdminClient, name: str, settings: dict[str, str]) -> None:
    answers = await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, settings)])
    for answer in answers:
        for code, message, _kind, _name in answer.resources:
            if code:
                raise AdminError(f"the broker refused to alter {name}: {for_code(code).__name__} {message or ''}")


async def _settle(client: AIOKafkaAdminClient, wanted: Mapping[str, Mapping[str, str]]) -> None:
    """Wait for the controller's answer to reach the broker."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        now = await read_topics(client, list(wanted), configs=True)
        if all(name in now and settings.items() <= now[name].own.items() for name, settings in wanted.items()):
            return
        if time.monotonic() > deadline:
            raise AdminError(f"altered, but not seen after {SETTLE_S:g} s: {', '.join(wanted)}")
        await asyncio.sleep(0.05)
