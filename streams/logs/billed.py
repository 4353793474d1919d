"""Which requests are billed: a function of the request alone, so that one that is repeated is billed the same.

A frame is billed when it is admitted and its picture can be decoded, whatever is seen in it and becomes of that; an
enrollment when its headers and consent are in order and its picture can be decoded; forgetting never. What may come
of one request is billed alike: a frame that failed here may be recognised when it is delivered again, so a failure
is billed as the answer in whose place it stands. Who wants to credit failures counts their return codes.

One outcome rests on more than the request: `too_old` is not billed, though the frame could have been. Whether a frame
is skipped is decided once: who gets it again reads in the running log what became of it (`streams.agents.cameras.age`).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from streams.wire.codes import Code


class Billed(StrEnum):
    """Whether a request with an outcome is billed, as the README has it."""

    YES = "yes"
    NO = "no"
    IF_DECODED = "if the picture can be decoded"
    NO_REQUEST = "no request ends so"


BILLED: Final[Mapping[Code, Billed]] = MappingProxyType(
    dict.fromkeys(Code, Billed.NO)
    | dict.fromkeys(
        (
            Code.OK,
            Code.OUTPUT_TOO_LARGE,
            Code.ENROLLED,
            Code.NO_FACE,
            Code.SEVERAL_FACES,
            Code.LOW_QUALITY,
            Code.LOOKS_LIKE_ANOTHER_PERSON,
        ),
        Billed.YES,
    )
    | dict.fromkeys((Code.TIMED_OUT, Code.INTERNAL_ERROR), Billed.IF_DECODED)
    | dict.fromkeys((Code.BAD_RECORD, Code.BAD_SEAL, Code.FOREIGN_FEATURE, Code.EXPIRED_UNREAD), Billed.NO_REQUEST)
)


def depends_on_picture(code: Code) -> bool:
    """Whether the outcome leaves open if the request is billed."""
    return BILLED[code] is Billed.IF_DECODED


def is_billed(code: Code, *, decoded: bool) -> bool:
    """Whether a request with this outcome is billed.

    decoded: the request was in order and its picture can be decoded; asked for where `depends_on_picture`.
    """
    return BILLED[code] is Billed.YES or (depends_on_picture(code) and decoded)
