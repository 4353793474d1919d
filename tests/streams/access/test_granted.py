"""What a broker says we may do, held against what a role needs; the broker's answers are made up."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    TransactionalIdAuthorizationFailed,
)

from streams.access.granted import require
from streams.access.metadata import NOT_SAID
from streams.access.refusal import RefusedError
from streams.wire.connection import Connection
from streams.wire.rights import Operation, Right, Role

READ, WRITE, DESCRIBE = Operation.READ, Operation.WRITE, Operation.DESCRIBE
HIDDEN, UNKNOWN = 29, 3


def bits(*operations: Operation) -> int:
    return sum(1 << operation for operation in operations)


@dataclass
class Broker:
    """topics: error code and operations by name. groups, transactional_ids: what the question for each raises, one
    after the other.

    group_answer: error code and operations, of every group.
    """

    topics: dict[str, tuple[int, int]] = field(default_factory=dict)
    groups: dict[str, list[Exception]] = field(default_factory=dict)
    transactional_ids: dict[str, list[Exception]] = field(default_factory=dict)
    group_answer: tuple[int, int] = (0, NOT_SAID)

    async def _send_request(self, request: Any) -> Any:
        struct = request.build(lambda names, create, *_: SimpleNamespace(names=names, create=create))
        assert struct.create is False
        described = [
            {"topic": name, "error_code": self.topics[name][0], "operations": self.topics[name][1]}
            for name in struct.names
        ]
        return SimpleNamespace(to_object=lambda: {"topics": described})

    async def find_coordinator(self, name: str, kind: int) -> int:
        errors = (self.groups, self.transactional_ids)[kind][name]
        if errors:
            raise errors.pop(0)
        return 1

    async def _send_request_to_node(self, node: int, request: Any) -> Any:
        assert node == 1
        code, operations = self.group_answer
        return SimpleNamespace(to_object=lambda: {"groups": [{"error_code": code, "operations": operations}]})


async def missing(broker: Broker, *rights: Right) -> str:
    with pytest.raises(RefusedError) as refused:
        await require(broker, Connection("b1:9092"), Role.WORKER, rights)  # type: ignore[arg-type]  # made up
    return str(refused.value)


async def test_what_is_granted_passes() -> None:
    broker = Broker({"a": (0, bits(READ, WRITE, DESCRIBE)), "b": (UNKNOWN, NOT_SAID)}, {"g": []})
    rights = (Right("topic", "a", (READ, WRITE)), Right("topic", "b", (READ,)), Right("group", "g", (READ,)))

    assert await require(broker, Connection("b1:9092"), Role.WORKER, rights) == ("b",)  # type: ignore[arg-type]


async def test_all_that_is_missing_is_named_at_once() -> None:
    broker = Broker(
        {"a": (0, bits(READ, DESCRIBE)), "b": (HIDDEN, NOT_SAID), "c": (0, bits(DESCRIBE, WRITE))},
        {"g": [GroupAuthorizationFailedError()]},
    )
    said = await missing(
        broker,
        Right("topic", "a", (READ, WRITE)),
        Right("topic", "b", (READ, WRITE)),
        Right("topic", "c", (WRITE,)),
        Right("group", "g", (READ,)),
    )
    assert said == (
        "User:ANONYMOUS lacks Write on topic a; Read and Write on topic b; Read on group g: "
        "`facestreams rights worker` prints the commands that give what is needed"
    )


async def test_a_group_that_may_be_seen_is_not_yet_one_to_join() -> None:
    broker = Broker(groups={"g": []}, group_answer=(0, bits(DESCRIBE)))
    assert (await missing(broker, Right("group", "g", (READ,)))).startswith("User:ANONYMOUS lacks Read on group g: ")


async def test_a_broker_that_does_not_say_is_believed() -> None:
    broker = Broker({"a": (0, NOT_SAID)})
    assert await require(broker, Connection("b1:9092"), Role.WORKER, (Right("topic", "a", (READ,)),)) == ()  # type: ignore[arg-type]


async def test_a_cluster_that_has_just_begun_is_asked_again() -> None:
    broker = Broker(groups={"g": [GroupCoordinatorNotAvailableError(), GroupAuthorizationFailedError()]})
    assert (await missing(broker, Right("group", "g", (READ,)))).startswith("User:ANONYMOUS lacks Read on group g: ")
    assert broker.groups == {"g": []}


async def test_a_transactional_id_that_is_hidden_is_missing() -> None:
    refused: list[Exception] = [GroupCoordinatorNotAvailableError(), TransactionalIdAuthorizationFailed()]
    broker = Broker(transactional_ids={"t.0": [], "t.1": refused})
    rights = [Right("transactional-id", name, (DESCRIBE, WRITE)) for name in ("t.0", "t.1")]
    assert (await missing(broker, *rights)).startswith(
        "User:ANONYMOUS lacks Describe and Write on transactional-id t.1: "
    )


async def test_of_the_cluster_nothing_is_asked() -> None:
    rights = (Right("cluster", "kafka-cluster", (Operation.DESCRIBE_CONFIGS,)),)
    assert await require(Broker(), Connection("b1:9092"), Role.AUDITOR, rights) == ()  # type: ignore[arg-type]
