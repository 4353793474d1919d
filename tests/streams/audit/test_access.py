from streams.audit.access import Access, Grant
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
