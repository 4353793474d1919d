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
    repeats = Repeats()
    first = entry(deployment, asked)
    assert repeats.admit(first, 1000) == [first]
    assert repeats.admit(first, 1500) == []
    assert repeats.admit(first, 1999) == []
    assert list(repeats.due(1999)) == []
    assert [each.repeats for each in repeats.due(2000)] == [2]
    assert list(repeats.due(9000)) == []


def test_a_sum_that_is_still_held_goes_out_before_the_next_second_begins(deployment, asked) -> None:
    repeats = Repeats()
    first = entry(deployment, asked)
    repeats.admit(first, 1000)
    repeats.admit(first, 1001)
    assert [each.repeats for each in repeats.admit(first, 2000)] == [1, 1]


def test_cameras_and_causes_are_counted_apart(deployment, asked) -> None:
    repeats = Repeats()
    other = replace(asked, camera_id="gate")
    admitted = [
        repeats.admit(entry(deployment, asked), 1000),
        repeats.admit(entry(deployment, asked, Code.EMPTY_PICTURE), 1000),
        repeats.admit(entry(deployment, other), 1000),
    ]
    assert [len(each) for each in admitted] == [1, 1, 1]


def test_memory_is_bounded_and_nothing_is_held_back_beyond_it(deployment, asked) -> None:
    repeats = Repeats()
    for number in range(MAX_CAUSES):
        repeats.admit(entry(deployment, replace(asked, camera_id=str(number))), 1000)
    more = entry(deployment, replace(asked, camera_id="one more"))
    assert [repeats.admit(more, 1000), repeats.admit(more, 1000)] == [[more], [more]]
