"""Which rights the broker grants us, asked of it: a missing one shall end a start, not be met hours later."""

import asyncio
import time
from collections.abc import Collection, Mapping
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    for_code,
)

from streams.access.metadata import NOT_SAID, GroupOperationsRequest, TopicOperationsRequest
from streams.access.refusal import RefusedError
from streams.wire.connection import Connection
from streams.wire.rights import Right, Role

TOPIC_UNKNOWN: Final = 3
COORDINATOR_OF: Final = {"group": 0, "transactional-id": 1}
"""Which coordinator is asked for, by Kafka's number of it."""

SETTLE_S: Final = 10.0


async def require(
    client: AIOKafkaAdminClient, connection: Connection, role: Role, rights: Collection[Right]
) -> tuple[str, ...]:
    """The topics among these rights that do not exist; none is created by asking.

    client: started. role: which the rights are of. Raises RefusedError that names every right that is missing, and
    KafkaError where the broker does not answer. Of a topic that it hides from us all rights count as missing. What we
    may do with the cluster is not asked: the broker tells those alone who may describe it. Nor does it tell more of a
    transactional id than whether we may see it.
    """
    topics = {right.name: right for right in rights if right.resource == "topic"}
    answer = await client._send_request(TopicOperationsRequest(tuple(topics)))
    described = {topic["topic"]: topic for topic in answer.to_object()["topics"]}
    missing = _missing_on_topics(topics, described)
    for right in rights:
        if right.resource in ("group", "transactional-id"):
            missing += await _missing_on_coordinated(client, right)
    if missing:
        raise RefusedError(
            f"{connection.principal} lacks {'; '.join(map(str, missing))}: "
            f"`facestreams rights {role}` prints the commands that give what is needed"
        )
    return tuple(name for name in topics if described[name]["error_code"] == TOPIC_UNKNOWN)


def _missing_on_topics(topics: Mapping[str, Right], described: Mapping[str, Any]) -> list[Right]:
    missing = []
    for name, right in topics.items():
        code = described[name]["error_code"]
        if code == TopicAuthorizationFailedError.errno:
            missing.append(right)
        elif code == 0:
            missing += _less(right, described[name]["operations"])
    return missing


def _less(right: Right, operations: int) -> list[Right]:
    """The right with those operations that are not granted; none if all are. operations: a bit for each by number."""
    if operations == NOT_SAID:
        return []
    lacking = tuple(each for each in right.operations if not operations >> each & 1)
    return [Right(right.resource, right.name, lacking)] if lacking else []


async def _missing_on_coordinated(client: AIOKafkaAdminClient, right: Right) -> list[Right]:
    """A cluster that has just begun needs a moment to say."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        try:
            return await _asked_of_coordinator(client, right)
        except (GroupAuthorizationFailedError, TransactionalIdAuthorizationFailed):
            return [right]
        except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


async def _asked_of_coordinator(client: AIOKafkaAdminClient, right: Right) -> list[Right]:
    coordinator = await client.find_coordinator(right.name, COORDINATOR_OF[right.resource])
    if right.resource != "group":
        return []
    answer = await client._send_request_to_node(coordinator, GroupOperationsRequest(right.name))
    [described] = answer.to_object()["groups"]
    if code := described["error_code"]:
        raise for_code(code)
    return _less(right, described["operations"])
