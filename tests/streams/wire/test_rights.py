import pytest

from streams.wire.rights import (
    PURPOSE,
    Operation,
    Right,
    Role,
    commands_for,
    rights_of,
    seeing,
    transactional_id,
    workers_group,
)
from streams.wire.topics import Topics

TOPICS = Topics(prefix="video", account="acme")
READ, WRITE, CONFIGS = Operation.READ, Operation.WRITE, Operation.DESCRIBE_CONFIGS


def test_every_role_has_a_purpose_and_rights() -> None:
    assert set(PURPOSE) == set(Role)
    assert all(rights_of(role, TOPICS) for role in Role)


@pytest.mark.parametrize("role", Role)
def test_a_role_has_rights_on_its_own_accounts_topics_alone(role: Role) -> None:
    names = {spec.name for spec in TOPICS}
    for right in rights_of(role, TOPICS):
        expected = {
            "topic": names,
            "group": {"video.acme.workers"},
            "transactional-id": {f"video.acme.gallery-commands.{number}" for number in range(12)},
            "cluster": {"kafka-cluster"},
        }
        assert right.name in expected[right.resource]
        assert len(set(right.operations)) == len(right.operations) > 0


def test_a_camera_writes_frames_and_does_nothing_else() -> None:
    assert rights_of(Role.CAMERA, TOPICS) == (Right("topic", "video.acme.camera-frames", (WRITE,)),)


def test_a_consumer_reads_results_and_in_the_groups_that_are_named() -> None:
    assert rights_of(Role.CONSUMER, TOPICS, groups=["board"]) == (
        Right("topic", "video.acme.recognitions", (READ,)),
        Right("topic", "video.acme.sightings", (READ,)),
        Right("group", "board", (READ,)),
    )


def test_a_worker_may_compare_every_topic_and_join_its_group() -> None:
    rights = rights_of(Role.WORKER, TOPICS)
    assert {right.name for right in rights if CONFIGS in right.operations} == {spec.name for spec in TOPICS}
    assert [right for right in rights if right.resource == "group"] == [Right("group", workers_group(TOPICS), (READ,))]
    assert {right.name: right.operations for right in rights if right.resource == "transactional-id"} == {
        transactional_id(TOPICS, number): (Operation.DESCRIBE, WRITE) for number in range(12)
    }


def test_a_worker_empties_what_is_kept_for_a_time_and_nothing_that_is_compacted() -> None:
    rights = rights_of(Role.WORKER, TOPICS)
    assert {right.name for right in rights if Operation.DELETE in right.operations} == {
        TOPICS.name(short) for short in ("camera-frames", "gallery-commands", "recognitions", "sightings", "error-log")
    }
    nobody_else = [role for role in Role if role is not Role.WORKER]
    assert not [
        role for role in nobody_else for right in rights_of(role, TOPICS) if Operation.DELETE in right.operations
    ]


def test_nobody_but_a_worker_reads_pictures() -> None:
    pictures = {spec.name for spec in TOPICS if spec.carries_pictures}
    readers = {
        role
        for role in Role
        for right in rights_of(role, TOPICS)
        if right.name in pictures and READ in right.operations
    }
    assert readers == {Role.WORKER}


def test_an_auditor_alters_nothing() -> None:
    may = {operation for right in rights_of(Role.AUDITOR, TOPICS) for operation in right.operations}
    assert may == {READ, Operation.DESCRIBE, CONFIGS}


def test_a_biller_reads_the_running_log_alone() -> None:
    assert rights_of(Role.BILLER, TOPICS) == (Right("topic", "video.acme.running-log", (READ,)),)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.MENDER])
def test_who_sees_topics_reads_none_but_control(role: Role) -> None:
    rights = {right.name: right.operations for right in rights_of(role, TOPICS)}
    for right in seeing(TOPICS):
        assert set(right.operations) <= set(rights[right.name])
    data = {name for name, operations in rights.items() if {READ, WRITE} & set(operations)}
    assert data == ({TOPICS.name("control")} if role is Role.OPERATOR else set())


def test_a_right_in_words() -> None:
    assert str(Right("topic", "a.b.c", (READ, CONFIGS))) == "Read and DescribeConfigs on topic a.b.c"


def test_commands_are_for_a_shell_whatever_the_names() -> None:
    rights = (
        Right("topic", "a", (READ, CONFIGS)),
        Right("topic", "b", (READ, CONFIGS)),
        Right("group", "g", (READ,)),
        Right("transactional-id", "t.0", (WRITE,)),
        Right("transactional-id", "t.1", (WRITE,)),
        Right("cluster", "kafka-cluster", (CONFIGS,)),
    )
    lines = list(
        commands_for("User:o'neil; x", rights, bootstrap_servers="b1:9092", command_config="my admin.properties")
    )
    head = (
        "kafka-acls.sh --bootstrap-server b1:9092 --command-config 'my admin.properties' --add "
        "--allow-principal 'User:o'\"'\"'neil; x' "
    )
    assert lines == [
        head + "--operation Read --operation DescribeConfigs --topic a --topic b",
        head + "--operation Read --group g",
        head + "--operation Write --transactional-id t.0 --transactional-id t.1",
        head + "--operation DescribeConfigs --cluster",
    ]
