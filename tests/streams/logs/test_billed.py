"""What is billed: what may come of one request is billed alike."""

import pytest

from streams.logs.billed import BILLED, Billed, depends_on_picture, is_billed
from streams.wire.codes import Code

EXAMINED = {
    Code.OK,
    Code.OUTPUT_TOO_LARGE,
    Code.ENROLLED,
    Code.NO_FACE,
    Code.SEVERAL_FACES,
    Code.LOW_QUALITY,
    Code.LOOKS_LIKE_ANOTHER_PERSON,
}
FAILED_HERE = {Code.TIMED_OUT, Code.INTERNAL_ERROR}


def test_every_code_is_in_the_table() -> None:
    assert set(BILLED) == set(Code)


def test_exactly_what_was_examined_is_billed() -> None:
    assert {code for code in Code if is_billed(code, decoded=False)} == EXAMINED


def test_a_failure_of_ours_is_billed_as_the_answer_in_whose_place_it_stands() -> None:
    assert {code for code in Code if depends_on_picture(code)} == FAILED_HERE
    assert {code for code in Code if is_billed(code, decoded=True)} == EXAMINED | FAILED_HERE


@pytest.mark.parametrize(
    "alike",
    [
        # of a frame whose picture can be decoded: what tracker, gallery, machine and topics make of it
        {Code.OK, Code.OUTPUT_TOO_LARGE, *FAILED_HERE},
        # of an enrollment whose picture can be decoded
        {Code.ENROLLED, Code.NO_FACE, Code.SEVERAL_FACES, Code.LOW_QUALITY, Code.LOOKS_LIKE_ANOTHER_PERSON}
        | FAILED_HERE,
    ],
)
def test_whatever_becomes_of_one_request_with_a_picture_is_billed_alike(alike: set[Code]) -> None:
    assert {is_billed(code, decoded=True) for code in alike} == {True}


@pytest.mark.parametrize(
    "alike",
    [
        # whose picture cannot be decoded; of a command, the detail holds the picture's own code
        {Code.TRUNCATED_PICTURE, Code.NOT_A_PICTURE, Code.BAD_PICTURE, *FAILED_HERE},
        # to forget, whatever the gallery holds by now
        {Code.FORGETTING, Code.FORGOTTEN, Code.UNKNOWN_PERSON, *FAILED_HERE},
    ],
)
def test_whatever_becomes_of_one_request_without_a_picture_is_not_billed(alike: set[Code]) -> None:
    assert {is_billed(code, decoded=False) for code in alike} == {False}


def test_no_request_ends_in_what_is_said_of_records_of_ours() -> None:
    assert {code for code, billed in BILLED.items() if billed is Billed.NO_REQUEST} == {
        Code.BAD_RECORD,
        Code.BAD_SEAL,
        Code.FOREIGN_FEATURE,
        Code.EXPIRED_UNREAD,
    }
