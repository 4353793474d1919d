"""What is billed: a function of the request alone, so that a repeated request is billed the same.

| request | billed |
|---|---|
| recognize | when the frame was decoded, whatever was seen in it and became of that |
| enroll | when the picture was examined: consent and headers in order, the picture decoded |
| forget | never |
| anything refused before a picture was decoded | never |
"""

from typing import Final

from streams.wire.codes import Code

BILLED: Final = frozenset(
    {
        Code.OK,
        Code.OUTPUT_TOO_LARGE,
        Code.ENROLLED,
        Code.NO_FACE,
        Code.SEVERAL_FACES,
        Code.LOW_QUALITY,
        Code.LOOKS_LIKE_ANOTHER_PERSON,
    }
)


def is_billed(code: Code) -> bool:
    """Whether a request with this outcome is billed."""
    return code in BILLED
