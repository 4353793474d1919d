from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from streams.audit.access import EVERYBODY_ELSEWHERE, Access, Grant, read_access
from streams.wire.rights import Operation
from streams.wire.topics import Topics

OURS = Topics()
OTHERS = ["facestreams.zoo.recognitions"]


def crossing(*grants: Grant) -> list[str]:
    return list(Access(grants, OTHERS).crossing(OURS))


def test_rights_on_one_account_cross_nothing() -> None:
    assert crossing(Grant("User:a", "facestreams.main.recognitions", False, Operation.READ)) == []
    assert crossing(Grant("User:b", "facestreams.zoo.recognitions", False, Operation.READ)) == []
    assert crossing(Grant("User:a", "facestreams.main.", True, Operation.READ)) == []


def test_who_reads_of_two_accounts_is_named() -> None:
    assert crossing(
        Grant("User:a", "facestreams.main.recognitions", False, Operation.READ),
        Grant("User:a", "facestreams.zoo.recognitions", False, Operation.READ),
    ) == ["User:a has rights on facestreams.main.recognitions and on facestreams.zoo.recognitions"]


def test_a_pattern_that_holds_every_account_is_named() -> None:
    assert crossing(Grant("User:a", "facestreams.", True, Operation.WRITE)) == [
        "User:a has a right on all topics that begin with 'facestreams.'"
    ]
    assert crossing(Grant("User:a", "*", False, Operation.READ)) == [
        "User:a has a right on all topics that begin with '*'"
    ]


def test_a_right_of_everybody_is_named_wherever_it_reaches_ours() -> None:
    assert crossing(Grant("User:*", "facestreams.main.recognitions", False, Operation.READ)) == [
        "everybody has a right on 'facestreams.main.recognitions'"
    ]
    assert crossing(Grant("User:*", "facestreams.main.", True, Operation.WRITE)) == [
        "everybody has a right on 'facestreams.main.'"
    ]
    assert crossing(Grant("User:*", "facestreams.zoo.recognitions", False, Operation.READ)) == []
    assert crossing(Grant("User:*", "facestreams.main.recognitions", False, Operation.DESCRIBE)) == []


def test_topics_on_which_nobody_has_a_right_are_told() -> None:
    reached = Access([Grant("User:a", "facestreams.main.visits", False, Operation.READ)], [])
    assert len(reached.bare(OURS)) == len(list(OURS)) - 1
    assert "facestreams.main.visits" not in reached.bare(OURS)
    assert Access([Grant("User:a", "facestreams.main.", True, Operation.READ)], []).bare(OURS) == []


def test_who_creates_the_topics_of_two_accounts_is_their_operator() -> None:
    assert (
        crossing(
            Grant("User:op", "facestreams.main.recognitions", False, Operation.CREATE),
            Grant("User:op", "facestreams.zoo.recognitions", False, Operation.CREATE),
        )
        == []
    )


def test_whoever_has_a_right_is_listed() -> None:
    access = Access(
        [
            Grant("User:b", "facestreams.main.visits", False, Operation.DESCRIBE),
            Grant("User:a", "facestreams.main.", True, Operation.READ),
            Grant("User:c", "facestreams.zoo.visits", False, Operation.READ),
        ],
        OTHERS,
    )
    assert access.principals(OURS) == ["User:a", "User:b"]


@dataclass
class Answer:
    """As much of one as is looked at."""

    resources: list[Any]
    error_code: int = 0


@pytest.mark.parametrize(
    ("told", "everybody"),
    [
        ([(0, [("other", "true")])], False),
        ([(0, [(EVERYBODY_ELSEWHERE, "false")])], False),
        ([(0, [(EVERYBODY_ELSEWHERE, "True")])], True),
        ([(0, [(EVERYBODY_ELSEWHERE, None)])], None),
        ([(31, [])], None),
        ([], None),
        ([(0, []), (0, [(EVERYBODY_ELSEWHERE, None)])], None),
        ([(0, [(EVERYBODY_ELSEWHERE, None)]), (0, [(EVERYBODY_ELSEWHERE, "true")])], True),
    ],
    ids=["not set", "false", "true", "not told", "no right", "no broker", "one does not tell", "one is open"],
)
async def test_what_the_brokers_tell_of_topics_without_rights(
    told: list[tuple[int, list[Any]]], everybody: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers="127.0.0.1:9")

    async def answered(answer: Any) -> Any:
        return answer

    answers = [Answer([(code, "", str(node), "", entries)]) for node, (code, entries) in enumerate(told)]
    brokers = {"brokers": [{"node_id": node} for node in range(len(told))]}
    monkeypatch.setattr(client, "list_topics", lambda: answered([]))
    monkeypatch.setattr(client, "_send_to_controller", lambda _request: answered(Answer([])))
    monkeypatch.setattr(client, "describe_cluster", lambda: answered(brokers))
    monkeypatch.setattr(client, "describe_configs", lambda _resources: answered(answers))
    assert (await read_access(client, OURS)).everybody_elsewhere is everybody
