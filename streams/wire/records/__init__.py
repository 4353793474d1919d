"""The JSON records that we write, as types. Their JSON Schema stands in `schemas/`, made from these.

Times are milliseconds since 1970, by the broker's clock unless said otherwise. Readers must ignore
fields that they do not know; fields are added, never renamed or given another meaning, within one
`schema_version`.
"""

from typing import Final

from streams.wire.records.base import SCHEMA_VERSION, MatchStatus, R, Record, decode, encode
from streams.wire.records.control import Confirmed, Epoch, Reached
from streams.wire.records.gallery import Erasure, ErasureScope, ErasureState, GalleryEvent, Receipt
from streams.wire.records.logs import (
    Bill,
    BillLine,
    ErrorLogEntry,
    InputSummary,
    LoggedFace,
    LoggedPerson,
    Measured,
    Received,
    RunningLogEntry,
    SealedPerson,
)
from streams.wire.records.recognition import (
    Box,
    FaceMatch,
    FaceQuality,
    FrameSize,
    ModelNames,
    Recognition,
    RecognizedFace,
    Timings,
)
from streams.wire.records.visits import OpenVisit, OpenVisits, Sighting

RECORDS: Final[tuple[type[Record], ...]] = (
    Recognition,
    Sighting,
    OpenVisits,
    RunningLogEntry,
    ErrorLogEntry,
    GalleryEvent,
    Erasure,
    Epoch,
    Reached,
    Confirmed,
)

__all__ = [
    "RECORDS",
    "SCHEMA_VERSION",
    "Bill",
    "BillLine",
    "Box",
    "Confirmed",
    "Epoch",
    "Erasure",
    "ErasureScope",
    "ErasureState",
    "ErrorLogEntry",
    "FaceMatch",
    "FaceQuality",
    "FrameSize",
    "GalleryEvent",
    "InputSummary",
    "LoggedFace",
    "LoggedPerson",
    "MatchStatus",
    "Measured",
    "ModelNames",
    "OpenVisit",
    "OpenVisits",
    "R",
    "Reached",
    "Receipt",
    "Received",
    "Recognition",
    "RecognizedFace",
    "Record",
    "RunningLogEntry",
    "SealedPerson",
    "Sighting",
    "Timings",
    "decode",
    "encode",
]
