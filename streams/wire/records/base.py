"""What all records are: JSON on one line, of one schema version."""

from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

SCHEMA_VERSION: Final = 1

Fraction = Annotated[float, Meta(ge=0, le=1, description="of the frame's width or height")]
Similarity = Annotated[float, Meta(ge=-1, le=1, description="estimated cosine, rounded to 0.01")]
Milliseconds = Annotated[int, Meta(ge=0, description="since 1970-01-01 UTC")]
Count = Annotated[int, Meta(ge=0)]
MatchStatus = Literal["matched", "unknown", "pending", "rejected"]


class Record(Struct, frozen=True, kw_only=True):
    """Root of all records."""

    schema_version: Literal[1] = SCHEMA_VERSION


R = TypeVar("R", bound=Record)

_encoder = msgspec.json.Encoder()


def encode(record: Record) -> bytes:
    """The record as UTF-8 JSON on one line."""
    return _encoder.encode(record)


def decode(raw: bytes, kind: type[R]) -> R:
    """A record of this kind. Raises msgspec.DecodeError, which is a ValueError, on anything else."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (UnicodeDecodeError, RecursionError) as error:  # what msgspec lets through
        raise msgspec.DecodeError("text that is no UTF-8, or nested without end") from error
