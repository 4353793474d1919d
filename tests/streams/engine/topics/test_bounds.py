"""How long a thing stays on the disks at most: the sums, what leaves them open, what breaks a promise."""

from dataclasses import replace

import pytest

from streams.engine.topics.admin import AdminError
from streams.engine.topics.bounds import Bound, bounds, duration, in_words
from streams.engine.topics.found import FoundTopic, Housekeeping
from streams.engine.topics.promises import Promise
from streams.wire.topics import ERROR_LOG, MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, Topics, error_log_bound_bytes

TOPICS = Topics(prefix="p", partitions=6)
DEFAULTS = Housekeeping()

CHECK_MS = 5 * MS_PER_MINUTE  # log.retention.check.interval.ms, by default
BACKOFF_MS = 15_000  # log.cleaner.backoff.ms, by default
NEVER = str(2**63 - 1)


@pytest.fixture
def limits(as_found):
    """The limits of a topic with these settings altered, on these brokers."""

    def of(short: str, brokers: Housekeeping = DEFAULTS, **changed: str) -> list[Bound]:
        spec = TOPICS.spec(short)
        return bounds(spec, as_found(spec, **changed), brokers)

    return of


@pytest.mark.parametrize(
    ("short", "at_most", "promised"),
    [
        ("camera-frames", 15 * MS_PER_MINUTE + 10_000 + CHECK_MS + 5000, 30 * MS_PER_MINUTE),
        ("gallery-commands", MS_PER_DAY + 30_000 + CHECK_MS + 5000, 25 * MS_PER_HOUR),
    ],
)
def test_a_picture_is_off_the_disks_of_a_broker_with_kafkas_defaults(limits, short, at_most, promised) -> None:
    bound, _processed = limits(short)
    assert (bound.at_most, bound.promised, bound.broken) == (at_most, promised, False)
    assert bound.promise is Promise.TRANSPORT_ONLY
    assert bound.condition == ""
    assert bound.inputs["log.retention.check.interval.ms"] == (CHECK_MS, 1)


def test_the_brokers_own_settings_count(limits) -> None:
    bound, _processed = limits("camera-frames", Housekeeping(retention_check_ms=1000))
    assert bound.at_most == 15 * MS_PER_MINUTE + 10_000 + 1000 + 5000
    assert bound.sentence == "p.main.camera-frames: a picture's time on the disks is at most 15 min 16 s"


@pytest.mark.parametrize(
    ("short", "check_ms", "at_most"),
    [
        ("camera-frames", CHECK_MS, 2 * 10_000 + 1000 + CHECK_MS + 5000),
        ("camera-frames", 5000, 31_000),
        ("gallery-commands", 5000, 71_000),
    ],
)
def test_a_processed_picture_goes_within_the_time_of_two_segments(limits, short, check_ms, at_most) -> None:
    _net, bound = limits(short, Housekeeping(retention_check_ms=check_ms))
    assert (bound.at_most, bound.promised, bound.broken) == (at_most, 15 * MS_PER_MINUTE, False)
    assert bound.promise is Promise.TRANSPORT_ONLY
    assert bound.inputs["segment.ms"][1] == 2
    assert bound.inputs["purge.interval.ms"] == (1000, 1)


def test_a_processed_picture_in_a_long_segment_breaks_the_promise(limits) -> None:
    _net, bound = limits("camera-frames", segment_ms=str(10 * MS_PER_MINUTE))
    assert bound.broken
    assert bound.statement == (
        "a processed picture's time on the disks is at most 25 min 6 s from when it and what came right after it on"
        " its partition is processed, while a worker runs; promised: 15 min"
    )


@pytest.mark.parametrize("short", ["recognitions", "sightings"])
def test_a_result_is_off_the_disks_by_the_brokers_clock(limits, short) -> None:
    [bound] = limits(short)
    assert bound.at_most == 8 * MS_PER_DAY + CHECK_MS + 60_000
    assert bound.promise is Promise.FORGOTTEN


def test_what_its_sender_dates_may_stay_for_as_long_as_it_may_be_dated_ahead(limits) -> None:
    [bound] = limits("gallery-events")
    assert bound.at_most == 31 * MS_PER_DAY + CHECK_MS + 60_000 + MS_PER_HOUR
    assert bound.promise is Promise.FORGOTTEN
    [by_the_broker] = limits("gallery-events", message_timestamp_type="LogAppendTime")
    assert by_the_broker.at_most == bound.at_most - MS_PER_HOUR


def test_a_quiet_cameras_picture_would_stay_for_a_week_in_a_segment_of_the_default_age(limits) -> None:
    bound, _processed = limits("camera-frames", segment_ms=str(7 * MS_PER_DAY))
    assert bound.broken
    assert bound.sentence == (
        "p.main.camera-frames: a picture's time on the disks is at most 7 d 20 min 5 s; promised: 30 min"
    )


@pytest.mark.parametrize(
    ("short", "changed", "why"),
    [
        ("recognitions", {"retention_ms": "-1"}, "retention.ms is -1"),
        ("recognitions", {"cleanup_policy": "compact"}, "cleanup.policy is compact"),
        ("gallery-events", {"message_timestamp_after_max_ms": NEVER}, "message.timestamp.after.max.ms is not set"),
        ("camera-frames", {"segment_ms": NEVER}, "segment.ms is not set"),
    ],
)
def test_what_never_expires_has_no_limit(limits, short, changed, why) -> None:
    for bound in limits(short, **changed):
        assert (bound.at_most, bound.broken) == (None, True)
        assert bound.statement.endswith(f"time on the disks has no limit, since {why}")


def test_an_erased_feature_goes_with_the_next_record_and_its_key_with_the_one_after(limits) -> None:
    value, key = limits("face-features")
    assert value.at_most == MS_PER_MINUTE + BACKOFF_MS + 5000
    assert (value.promised, value.broken) == (10 * MS_PER_MINUTE, False)
    assert value.statement == (
        "a replaced or erased value's time on the disks is at most 1 min 20 s and the wait for a later record on its"
        " partition, without which it stays"
    )
    assert key.at_most == 2 * (MS_PER_MINUTE + BACKOFF_MS) + 5000 + MS_PER_DAY
    assert key.inputs["max.compaction.lag.ms"] == (MS_PER_MINUTE, 2)
    assert key.inputs["delete.retention.ms"] == (MS_PER_DAY, 1)
    assert "two later records" in key.statement


@pytest.mark.parametrize(
    ("changed", "brokers", "why"),
    [
        ({"max_compaction_lag_ms": NEVER}, DEFAULTS, "max.compaction.lag.ms is not set"),
        ({"cleanup_policy": "delete"}, DEFAULTS, "cleanup.policy is delete"),
        ({}, Housekeeping(compacts=False), "log.cleaner.enable is false"),
    ],
)
def test_what_is_not_compacted_for_sure_has_no_limit(limits, changed, brokers, why) -> None:
    for bound in limits("face-features", brokers, **changed):
        assert bound.broken
        assert bound.statement.endswith(f"has no limit, since {why}")


def test_an_erased_feature_that_waits_too_long_breaks_the_promise(limits) -> None:
    value, key = limits("face-features", max_compaction_lag_ms=str(MS_PER_HOUR))
    assert (value.broken, key.broken) == (True, False)
    assert value.promise is Promise.FORGOTTEN


@pytest.mark.parametrize(("short", "lag_ms"), [("running-log", MS_PER_DAY), ("erasures", 5 * MS_PER_MINUTE)])
def test_what_workers_close_goes_without_another_record(limits, short, lag_ms) -> None:
    value, _key = limits(short)
    assert value.at_most == 2 * lag_ms + 11 * MS_PER_MINUTE + BACKOFF_MS + 5000
    assert value.inputs["closing.interval.ms"] == (11 * MS_PER_MINUTE, 1)
    assert value.statement == (
        f"a replaced or erased value's time on the disks is at most {duration(value.at_most)} while a worker runs"
    )


def test_the_error_log_stays_below_its_ceiling(limits) -> None:
    [size] = limits("error-log")
    spec = TOPICS.spec(ERROR_LOG)
    assert size.at_most == error_log_bound_bytes(spec, retention_check_interval_s=300) == 1_762_807_296
    assert not size.broken
    assert size.sentence == "p.main.error-log: the size of a copy of the error log is at most 1.76 GB"


def test_a_ceiling_counts_all_partitions_and_the_wait_for_the_broker(limits, as_found) -> None:
    spec = TOPICS.spec(ERROR_LOG)
    two = replace(as_found(spec), partitions=2)
    assert [bound.broken for bound in bounds(spec, two, DEFAULTS)] == [True]
    [slow] = limits("error-log", Housekeeping(retention_check_ms=MS_PER_HOUR))
    assert slow.broken
    assert slow.sentence == (
        "p.main.error-log: the size of a copy of the error log is at most 2.63 GB; promised: 2.00 GB"
    )


def test_without_retention_by_size_the_error_log_has_no_ceiling(limits) -> None:
    [size] = limits("error-log", retention_bytes="-1")
    assert (size.at_most, size.promise) == (None, Promise.CEILING)
    assert size.statement == "the size of a copy of the error log has no limit, since retention.bytes is -1"


def test_control_names_nobody_and_a_broker_that_tells_nothing_is_asked_nothing(limits) -> None:
    assert limits("control") == []
    spec = TOPICS.spec("camera-frames")
    assert bounds(spec, FoundTopic(spec.name, 6, 1, {}, {}), DEFAULTS) == []


def test_a_broker_that_does_not_know_a_setting_is_too_old() -> None:
    spec = TOPICS.spec("camera-frames")
    with pytest.raises(AdminError, match=r"^the broker does not tell retention\.ms of p\.main\.camera-frames"):
        bounds(spec, FoundTopic(spec.name, 6, 1, {"cleanup.policy": "delete"}, {}), DEFAULTS)


@pytest.mark.parametrize(
    ("time_ms", "words"),
    [
        (0, "0 ms"),
        (200, "200 ms"),
        (1000, "1 s"),
        (5200, "5.2 s"),
        (65_000, "1 min 5 s"),
        (86_400_000, "1 d"),
        (90_061_000, "1 d 1 h 1 min 1 s"),
        (60_001, "1 min 0.001 s"),
    ],
)
def test_a_time_in_words(time_ms, words) -> None:
    assert duration(time_ms) == in_words(time_ms, "ms") == words


@pytest.mark.parametrize(("size", "words"), [(1_500_000, "1.50 MB"), (2_000_000_000, "2.00 GB")])
def test_a_size_in_words(size, words) -> None:
    assert in_words(size, "bytes") == words
