"""What is kept of every request."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from streams.wire.records.base import Count, MatchStatus, Milliseconds, Record, Similarity
from streams.wire.records.recognition import FaceQuality

RequestInterface = Literal["recognize", "enroll", "forget", "unknown"]


class LoggedFace(Struct, frozen=True, kw_only=True):
    """A recognition result as the running log keeps it. similarity: null of a face that was matched with nobody."""

    track_id: str
    status: MatchStatus
    similarity: Similarity | None


class LoggedPerson(Struct, frozen=True, kw_only=True):
    """What a request says of one person; it stands in the running log sealed."""

    gallery: str
    person_id: str
    results: list[LoggedFace]


class SealedPerson(Struct, frozen=True, kw_only=True):
    """A LoggedPerson as JSON, sealed with the person's data key, which goes when the person is deleted."""

    locator: Annotated[str, Meta(description="names the key for who holds it; another one each day")]
    text: Annotated[str, Meta(description="base64")]


class RunningLogEntry(Record, frozen=True, kw_only=True):
    """Topic running-log: one for each request, whatever became of it.

    persons: whom it names, each sealed. results: of faces that were matched with nobody.
    """

    event_id: str
    request_interface: RequestInterface
    account: str
    app_id: str
    uin: str | None
    sub_uin: str | None
    region: str
    request_ip: str | None
    request_id: str | None
    camera_id: str | None
    gallery: str | None
    requested_at_ms: Annotated[int, Meta(ge=0, description="the broker's append time of the request")]
    accessed_at_ms: Annotated[int, Meta(ge=0, description="the worker's time of processing")]
    billed: bool
    return_code: str
    persons: list[SealedPerson]
    results: list[LoggedFace]


class BillLine(Struct, frozen=True, kw_only=True):
    """What one user of the account has asked for through one interface.

    Under `others`, without a user: what all has been asked for that no line before it says.
    """

    uin: str | None
    sub_uin: str | None
    request_interface: Literal[RequestInterface, "others"]
    requests: Count
    billed: Count


class Bill(Struct, frozen=True, kw_only=True):
    """The requests of an account from `from_ms` to below `to_ms`, by their append time.

    requests, billed: of all of them, always. lines: in order of uin, sub_uin (those without one first) and interface.
    Where that would be more than a record may hold, as on erasures and in a receipt, the first of them, 512 KiB of
    JSON, and a last one, `others`, that sums up the rest; `facestreams bill` has every line.
    """

    account: str
    app_id: str
    region: str
    from_ms: Milliseconds
    to_ms: Milliseconds
    requests: Count
    billed: Count
    lines: list[BillLine]


class InputSummary(Struct, frozen=True, kw_only=True):
    """A request's input with the picture replaced by its size, type and dimensions."""

    value_bytes: Count
    media_type: str | None
    width_px: int | None
    height_px: int | None
    headers: Annotated[list[str], Meta(description="those that were given of the names that we know")]
    other_headers: Annotated[int, Meta(ge=0, description="how many others; their names may be anything")] = 0
    parameters: Annotated[
        dict[str, str], Meta(description="values by header, as far as they could be read; never the person id")
    ] = {}


class Received(Struct, frozen=True, kw_only=True):
    """Where a request stood on its topic, and how it came to be processed.

    age_ms: since the broker appended it, by the worker's clock, when it failed. attempt: of this worker, from 1.
    """

    partition: Count
    offset: Count
    age_ms: Count
    attempt: Annotated[int, Meta(ge=1)]


class Measured(Struct, frozen=True, kw_only=True):
    """What the models had measured of a picture when its request failed; null is what they did not come to.

    faces: those that count. quality: of the only one.
    """

    faces: Count | None
    best_confidence: Annotated[float, Meta(ge=0, le=1)] | None
    quality: FaceQuality | None
    timeout_s: Annotated[float, Meta(ge=0, description="the deadline that was over")] | None


class ErrorLogEntry(Record, frozen=True, kw_only=True):
    """Topic error-log: a request that failed, or repeats of one cause summed. No person id, no picture.

    What is said of the request is said of the first of them. received, measured: null where it is no request's.
    """

    event_id: Annotated[str, Meta(description="of the first of the summed requests")] | None
    request_interface: Literal["recognize", "enroll", "forget", "unknown", "view"]
    account: str
    app_id: str
    uin: str | None
    sub_uin: str | None
    region: str
    camera_id: str | None
    person: Annotated[str, Meta(description="keyed pseudonym of the person id")] | None
    logged_at_ms: Milliseconds
    upstream: Annotated[str, Meta(description="state of what the request came from")]
    received: Received | None = None
    downstream: Annotated[str, Meta(description="what the broker had said of the outputs by then, by topic")]
    succeeded: Literal[False] = False
    return_code: str
    detail: Annotated[str, Meta(max_length=1000)]
    input: InputSummary | None
    output: Annotated[str, Meta(description="what the sender got for it")]
    algorithm_output: Annotated[str, Meta(max_length=1000, description="how far the models came")] | None
    measured: Measured | None = None
    repeats: Annotated[int, Meta(ge=1)] = 1
