"""The error log: bounded, without a person id, repeats summed."""

from dataclasses import replace

from streams.logs.error import MAX_CAUSES, MAX_DETAIL, Repeats, error_log_entry
from streams.logs.running import Asked
from streams.wire import records
from streams.wire.codes import Code
from streams.wire.headers import Deployment
from streams.wire.records import ErrorLogEntry


def entry(deployment: Deployment, asked: Asked, code: Code = Code.NOT_A_PICTURE, detail: str = "d") -> ErrorLogEntry:
    return error_log_entry(deployment, asked, code, detail, person=None, logged_at_ms=1, given=None)


def test_no_person_id_is_in_it_and_its_size_is_bounded(deployment, asked) -> None:
    told = replace(asked, person_id="ada-lovelace")
    raw = records.encode(entry(deployment, told, detail="x" * 10**6))
    assert b"ada-lovelace" not in raw
    assert len(raw) < MAX_DETAIL + 1000


def test_the_first_goes_out_at_once_and_what_repeats_it_is_summed_when_the_second_is_over(deployment, asked) -> None:
    repeats = Repeats(1e6)
    first = entry(deployment, asked)
    assert repeats.admit(first, 1000) == [first]
    assert repeats.admit(first, 1500) == []
    assert repeats.admit(first, 1999) == []
    assert list(repeats.due(1999)) == []
    assert [each.repeats for each in repeats.due(2000)] == [2]
    assert list(repeats.due(9000)) == []


def test_a_new_second_begins_with_a_record_and_leaves_the_sum_of_the_last_for_later(deployment, asked) -> None:
    repeats = Repeats(1e6)
    first = entry(deployment, asked)
    repeats.admit(first, 1000)
    repeats.admit(first, 1001)
    assert repeats.admit(first, 2000) == [first]
    assert [each.repeats for each in repeats.due(3000)] == [1]


def test_cameras_and_causes_are_counted_apart(deployment, asked) -> None:
    repeats = Repeats(1e6)
    other = replace(asked, camera_id="gate")
    admitted = [
        repeats.admit(entry(deployment, asked), 1000),
        repeats.admit(entry(deployment, asked, Code.EMPTY_PICTURE), 1000),
        repeats.admit(entry(deployment, other), 1000),
    ]
    assert [len(each) for each in admitted] == [1, 1, 1]


def test_beyond_many_causes_only_codes_are_told_apart_and_nothing_is_uncounted(deployment, asked) -> None:
    repeats = Repeats(1e9)
    admitted = 0
    for number in range(MAX_CAUSES + 50):
        admitted += len(repeats.admit(entry(deployment, replace(asked, camera_id=str(number))), 1000))
    assert admitted == MAX_CAUSES + 1
    assert [each.repeats for each in repeats.due(2000)] == [49]


def test_a_flood_keeps_below_the_rate_and_every_failure_is_counted_in_the_end(deployment, asked) -> None:
    rate, seconds, failures = 5000, 10, 2000
    repeats = Repeats(rate)
    written: list[ErrorLogEntry] = []
    for number in range(failures):
        now_ms = 1000 + number * seconds * 1000 // failures
        written += repeats.admit(entry(deployment, replace(asked, camera_id=f"camera-{number % 100}")), now_ms)
        written += repeats.due(now_ms) if number % 200 == 0 else ()
    assert sum(len(records.encode(each)) for each in written) <= rate * (seconds + 1)
    for second in range(100):
        written += repeats.due(12_000 + 1000 * second)
    assert sum(each.repeats for each in written) == failures


def test_a_record_larger_than_a_seconds_share_goes_out_and_is_paid_off_before_the_next(deployment, asked) -> None:
    large = entry(deployment, asked, detail="x" * MAX_DETAIL)
    rate = len(records.encode(large)) // 4
    repeats = Repeats(rate)
    other = entry(deployment, replace(asked, camera_id="gate"))
    assert repeats.admit(large, 1000) == [large]
    assert repeats.admit(other, 2000) == []
    assert list(repeats.due(4000)) == []
    assert list(repeats.due(7000)) == [other]
