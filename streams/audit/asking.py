"""What the broker is asked before the records are read."""

from collections.abc import Collection
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from models.gallery.keys import KeyDirectory
from streams.access.granted import require
from streams.access.refusal import RefusedError
from streams.audit.access import Access, read_access
from streams.audit.facts import Facts, Place, Positions
from streams.engine.brokers import Broker
from streams.engine.topics.admin import AdminError, admin_client, epochs
from streams.engine.topics.inspection import Inspection, inspect
from streams.engine.topics.reached import INPUTS
from streams.wire.connection import Connection
from streams.wire.rights import Right, Role, rights_of, workers_group
from streams.wire.topics import CONTROL, Topics


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is audited. keys: None where no key directory is at hand."""

    connection: Connection
    topics: Topics
    account: str
    region: str
    replication: int
    broker: Broker
    keys: KeyDirectory | None


async def unreadable(question: Question) -> dict[str, str]:
    """Short names of the topics that cannot be read, and why. Raises AdminError where no broker answers."""
    topics = question.topics
    rights = {right.name: right for right in rights_of(Role.AUDITOR, topics) if right.resource == "topic"}
    found = {}
    async with admin_client(question.connection) as client:
        for spec in topics:
            if why := await _why_not(client, question, rights[spec.name]):
                found[spec.short] = why
    return found


async def _why_not(client: AIOKafkaAdminClient, question: Question, right: Right) -> str:
    try:
        absent = await require(client, question.connection, Role.AUDITOR, [right])
    except RefusedError as error:
        return str(error)
    return f"{right.name} does not exist" if absent else ""


async def facts(question: Question, consumer: AIOKafkaConsumer, without: Collection[str], now_ms: int) -> Facts:
    """All that is not read from records. without: topics that cannot be read. Raises AdminError, KafkaError."""
    positions, why_no_positions = await _positions(question, consumer, without)
    inspection, why_no_inspection = await _inspection(question)
    async with admin_client(question.connection) as client:
        access = await _access(client, question.topics)
    return Facts(
        topics=question.topics,
        account=question.account,
        region=question.region,
        broker=question.broker,
        keys=question.keys,
        now_ms=now_ms,
        epochs={} if CONTROL in without else await epochs(question.connection, question.topics),
        positions=positions,
        why_no_positions=why_no_positions,
        inspection=inspection,
        why_no_inspection=why_no_inspection,
        access=access,
    )


async def _positions(
    question: Question, consumer: AIOKafkaConsumer, without: Collection[str]
) -> tuple[dict[Place, Positions], str]:
    """What is committed is asked for before the ends: so it never lies above them."""
    if why := [short for short in (*INPUTS, CONTROL) if short in without]:
        return {}, f"{', '.join(why)} cannot be looked at"
    group, topics = workers_group(question.topics), question.topics
    places = {
        TopicPartition(topics.name(short), number): (short, number)
        for short in INPUTS
        for number in range(topics.spec(short).partitions)
    }
    async with admin_client(question.connection) as client:
        try:
            await require(client, question.connection, Role.AUDITOR, [_seeing(group, topics)])
            said = await client.list_consumer_group_offsets(group, partitions=list(places))
        except (RefusedError, GroupAuthorizationFailedError, TopicAuthorizationFailedError) as error:
            return {}, f"this user may not see how far the workers have come: {error}"
    committed = {tp: found.offset for tp, found in said.items() if found.offset >= 0}
    begins, ends = await consumer.beginning_offsets(list(places)), await consumer.end_offsets(list(places))
    return {place: Positions(begins[tp], ends[tp], committed.get(tp)) for tp, place in places.items()}, ""


def _seeing(group: str, topics: Topics) -> Right:
    return next(right for right in rights_of(Role.AUDITOR, topics) if right.name == group)


async def _inspection(question: Question) -> tuple[Inspection | None, str]:
    if not question.broker.retains:
        return None, f"the {question.broker.name} broker tells no settings"
    try:
        return await inspect(
            question.connection,
            question.topics,
            replication=question.replication,
            broker=question.broker,
            role=Role.AUDITOR,
        ), ""
    except AdminError as error:
        return None, str(error)


async def _access(client: AIOKafkaAdminClient, topics: Topics) -> Access:
    try:
        return await read_access(client, topics)
    except KafkaError as error:
        return Access(None, (), why_none=f"the broker does not tell who has rights: {type(error).__name__}")
