"""The topics and the promises that their settings keep."""

import re

import pytest

from streams.wire.records import RECORDS
from streams.wire.topics import (
    CAMERA_FRAMES,
    ERROR_LOG,
    ERROR_LOG_CEILING_BYTES,
    ERROR_LOG_RATE_CAP_BYTES_PER_S,
    FILLER_KEY,
    GALLERY_COMMANDS,
    MS_PER_DAY,
    MS_PER_MINUTE,
    MS_PER_SECOND,
    Topics,
    TopicSpec,
    error_log_bound_bytes,
    is_filler,
)

BROKERS_DEFAULT_CHECK_INTERVAL_S = 300.0  # log.retention.check.interval.ms


@pytest.fixture
def topics() -> Topics:
    return Topics(prefix="facestreams", account="acme", partitions=6, max_picture_bytes=1_000_000)


def test_a_name_carries_prefix_and_account(topics: Topics) -> None:
    assert topics.name(CAMERA_FRAMES) == "facestreams.acme.camera-frames"
    assert all(spec.name == topics.name(spec.short) for spec in topics)


def test_accounts_share_no_topic() -> None:
    ours, theirs = ({spec.name for spec in Topics(account=account)} for account in ("ours", "theirs"))
    assert not ours & theirs


def test_names_are_ones_that_a_broker_takes(topics: Topics) -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,249}", spec.name) for spec in topics)
    assert len({spec.short for spec in topics}) == len(list(topics)) == 11


def test_a_topic_is_found_by_its_short_name(topics: Topics) -> None:
    assert [topics.spec(spec.short) for spec in topics] == list(topics)


def test_only_the_two_inputs_carry_pictures(topics: Topics) -> None:
    assert {spec.short for spec in topics if spec.carries_pictures} == {CAMERA_FRAMES, GALLERY_COMMANDS}


@pytest.mark.parametrize(("short", "kept_ms"), [(CAMERA_FRAMES, 15 * MS_PER_MINUTE), (GALLERY_COMMANDS, MS_PER_DAY)])
def test_pictures_are_dated_by_the_broker_and_kept_for_a_while_at_most(
    topics: Topics, short: str, kept_ms: int
) -> None:
    config = topics.spec(short).config
    assert config["cleanup.policy"] == "delete"
    assert config["retention.ms"] == str(kept_ms)
    assert config["message.timestamp.type"] == "LogAppendTime"
    assert int(config["max.message.bytes"]) > topics.max_picture_bytes


def test_what_is_the_truth_is_compacted_and_the_rest_is_deleted_in_time(topics: Topics) -> None:
    compacted = {spec.short for spec in topics if spec.config["cleanup.policy"] == "compact"}
    assert compacted == {"erasures", "face-features", "visits", "running-log", "control"}
    for spec in topics:
        assert ("retention.ms" in spec.config) == (spec.short not in compacted)
        assert int(spec.config.get("retention.ms", 0)) <= 30 * MS_PER_DAY


def test_a_broker_closes_segments_soon_enough_to_remove_them(topics: Topics) -> None:
    roll_ms = {spec.short: int(spec.config["segment.ms"]) for spec in topics if not spec.compacted}
    assert roll_ms == {
        "camera-frames": 10 * MS_PER_SECOND,
        "gallery-commands": 30 * MS_PER_SECOND,
        **dict.fromkeys(("gallery-events", "recognitions", "sightings", "error-log"), MS_PER_DAY),
    }
    lag_ms = {spec.short: int(spec.config["max.compaction.lag.ms"]) for spec in topics if spec.compacted}
    assert lag_ms == {
        **dict.fromkeys(("control", "erasures"), 5 * MS_PER_MINUTE),
        **dict.fromkeys(("face-features", "visits"), MS_PER_MINUTE),
        "running-log": MS_PER_DAY,
    }


@pytest.mark.parametrize(("replication", "in_sync"), [(1, "1"), (2, "2"), (3, "2"), (5, "2")])
def test_what_is_acknowledged_is_on_two_disks_where_there_are_two(
    topics: Topics, replication: int, in_sync: str
) -> None:
    for spec in topics:
        settings = spec.settings(replication)
        assert settings["min.insync.replicas"] == in_sync
        assert settings["unclean.leader.election.enable"] == "false"
        assert {name: settings[name] for name in spec.config} == spec.config


def test_what_the_producers_send_is_taken(topics: Topics) -> None:
    producers_limit = 1_048_576  # aiokafka's max_request_size
    assert all(int(spec.config["max.message.bytes"]) >= producers_limit for spec in topics if not spec.carries_pictures)


def test_the_log_of_a_request_stands_in_the_partition_of_its_number(topics: Topics) -> None:
    inputs = {topics.spec(short).partitions for short in (CAMERA_FRAMES, GALLERY_COMMANDS)}
    assert inputs == {topics.spec("running-log").partitions} == {6}


def test_every_record_has_a_topic(topics: Topics) -> None:
    written = {kind for spec in topics for kind in spec.value.split(", ")}
    assert {record.__name__ for record in RECORDS} <= written


@pytest.mark.parametrize("value", [b"", None])
def test_a_filler_is_a_record_of_its_key_without_content(value: bytes | None) -> None:
    assert is_filler(FILLER_KEY, value)
    assert not is_filler(FILLER_KEY, b"{}")
    assert not is_filler(b"lobby", value)
    assert not is_filler(None, value)


def test_the_error_log_stays_below_its_ceiling(topics: Topics) -> None:
    spec = topics.spec(ERROR_LOG)
    bound = error_log_bound_bytes(spec, retention_check_interval_s=BROKERS_DEFAULT_CHECK_INTERVAL_S)
    kept_and_open = 1_400_000_000 + 2 * 134_217_728
    written_meanwhile = ERROR_LOG_RATE_CAP_BYTES_PER_S * (300 + 60)
    assert bound == kept_and_open + written_meanwhile
    assert bound < ERROR_LOG_CEILING_BYTES == 2_000_000_000


def test_more_partitions_of_the_error_log_count(topics: Topics) -> None:
    spec = topics.spec(ERROR_LOG)
    doubled = TopicSpec(spec.short, spec.name, 2 * spec.partitions, spec.key, spec.value, spec.config)
    one, two = (error_log_bound_bytes(each, retention_check_interval_s=300.0) for each in (spec, doubled))
    assert two == 2 * one > ERROR_LOG_CEILING_BYTES
