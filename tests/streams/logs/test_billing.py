"""What is billed."""

from streams.logs.billing import is_billed
from streams.wire.codes import Code


def test_exactly_what_was_examined_is_billed() -> None:
    assert {code for code in Code if is_billed(code)} == {
        Code.OK,
        Code.OUTPUT_TOO_LARGE,
        Code.ENROLLED,
        Code.NO_FACE,
        Code.SEVERAL_FACES,
        Code.LOW_QUALITY,
        Code.LOOKS_LIKE_ANOTHER_PERSON,
    }
