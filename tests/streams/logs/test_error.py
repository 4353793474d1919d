"""The error log: bounded, without a person id, repeats summed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replaced

from streams.agents.user_input import PARAMETERS
from streams.logs.error import (
    MAX_CAUSES,
    MAX_DETAIL,
    MAX_RECORD_BYTES,
    RECORD_OVERHEAD_BYTES,
    WITHHELD,
    Repeats,
    error_log_entry,
)
from streams.logs.running import Asked
from streams.wire import records
from streams.wire.codes import Code
from streams.wire.event_id import EventId
from streams.wire.headers import KNOWN, MAX_HEADER_BYTES, Caller, Deployment
from streams.wire.records import ErrorLogEntry, FaceQuality, InputSummary, Measured
from streams.wire.topics import MAX_OUTPUT_BYTES, Topics


def entry(deployment: Deployment, asked: Asked, code: Code = Code.NOT_A_PICTURE, detail: str = "d") -> ErrorLogEntry:
    return error_log_entry(deployment, asked, code, detail, person=None, logged_at_ms=1, given=None)


def test_no_person_id_is_in_it_and_its_size_is_bounded(deployment, asked) -> None:
    told = replace(asked, person_id="ada-lovelace")
    raw = records.encode(entry(deployment, told, detail="x" * 10**6))
    assert b"ada-lovelace" not in raw
    assert len(raw) < MAX_DETAIL + 1000


WIDE = st.sampled_from(["x", '"', "\\", "\u00e4", "\u20ac", "\U0001f600", "\x1b", "\u2028"])


@pytest.mark.parametrize("code", Code)
@given(letter=WIDE)
def test_whatever_the_request_was_its_record_is_bounded(code: Code, letter: str) -> None:
    printable = letter if letter.isprintable() else "x"
    longest = printable * (MAX_HEADER_BYTES // len(printable.encode()))
    settings = 256 * letter
    raw = records.encode(
        error_log_entry(
            Deployment(account="a" * 249, app_id=settings, region=settings),
            Asked(
                event_id=EventId("0a0b0c0d", "gallery-commands", 999, 2**63),
                interface="recognize",
                caller=Caller(uin=longest, sub_uin=longest),
                requested_at_ms=2**53,
                camera_id=longest,
            ),
            code,
            letter * 10**5,
            person="0" * 32,
            logged_at_ms=2**53,
            given=InputSummary(
                value_bytes=2**31,
                media_type="image/jpeg",
                width_px=2**31,
                height_px=2**31,
                headers=sorted(KNOWN),
                other_headers=10**6,
                parameters=dict.fromkeys(PARAMETERS, longest),
            ),
            attempt=10**6,
            said={spec.short: "x" * 64 for spec in Topics()},
            algorithm_output=letter * 10**5,
            measured=Measured(
                faces=10**6,
                best_confidence=1 / 3,
                quality=FaceQuality(
                    score=1 / 3, face_px=2**31, sharpness=1 / 3, yaw_deg=-1 / 3, reject_reason="low_confidence"
                ),
                timeout_s=1 / 3,
            ),
        )
    )
    assert len(raw) <= MAX_RECORD_BYTES < MAX_OUTPUT_BYTES


def test_a_name_that_is_a_persons_id_is_withheld(deployment, asked) -> None:
    told = replace(asked, camera_id="ada", caller=Caller(uin="ben", sub_uin="s"))
    written = error_log_entry(
        deployment,
        told,
        Code.NOT_A_PICTURE,
        "",
        person=None,
        logged_at_ms=1,
        given=None,
        withheld={"ada", "ben"}.__contains__,
    )
    assert (written.camera_id, written.uin, written.sub_uin) == (WITHHELD, WITHHELD, "s")


def test_the_last_words_of_a_worker_are_a_seconds_worth_and_a_record_a_code(deployment, asked) -> None:
    size = len(records.encode(entry(deployment, asked))) + RECORD_OVERHEAD_BYTES
    repeats = Repeats(20 * size)
    for number in range(1000):
        for code in (Code.NOT_A_PICTURE, Code.EMPTY_PICTURE):
            repeats.put_back(entry(deployment, replace(asked, camera_id=str(number)), code))
    rest = repeats.rest()
    assert sum(each.repeats for each in rest) == 2000
    assert len(rest) <= 20 + 2 + 1
    assert repeats.rest() == []


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


def test_what_differs_from_request_to_request_defeats_no_sum_and_is_told_of_the_first(deployment, asked) -> None:
    repeats = Repeats(1e6)
    told = []
    for number in range(3):
        frame = InputSummary(
            value_bytes=number,
            media_type=None,
            width_px=None,
            height_px=None,
            headers=["frame_id"],
            parameters={"frame_id": f"frame {number}"},
        )
        event_id = replace(asked.event_id, offset=number)
        told.append(
            error_log_entry(
                deployment,
                replace(asked, event_id=event_id),
                Code.NOT_A_PICTURE,
                "",
                person=None,
                logged_at_ms=number,
                given=frame,
                attempt=1 + number,
                said={"visits": str(number)},
                algorithm_output=str(number),
                measured=Measured(faces=number, best_confidence=None, quality=None, timeout_s=None),
            )
        )
    assert [repeats.admit(each, 1000) for each in told] == [[told[0]], [], []]
    assert list(repeats.due(2000)) == [replaced(told[1], repeats=2)]


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
