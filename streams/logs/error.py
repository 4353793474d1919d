"""The error log: a record for each request that failed; repeats of one cause within a second are summed.

The first failure of a camera and cause in a second leaves its record with the request, before that is
acknowledged. What repeats it within the second, or would exceed the rate that the log's ceiling rests on,
is counted and written as one record later. Each of them has its own running-log entry all the same; a
worker that dies in between loses the sums that it held.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from streams.logs.running import Asked
from streams.wire import records
from streams.wire.codes import Code
from streams.wire.headers import Deployment
from streams.wire.records import ErrorLogEntry, InputSummary, Measured, Received
from streams.wire.topics import GALLERY_COMMANDS, GALLERY_EVENTS

MAX_DETAIL: Final = 1000
MAX_RECORD_BYTES: Final = 22_000
"""Of a record's value, whatever the request: its texts are bounded, and JSON makes at most six bytes of a letter."""

WITHHELD: Final = "(a person's id)"
"""In place of a camera's or user's name, or a parameter's value, that is or may be a person's id."""

MAX_CAUSES: Final = 10_000
"""Causes that are told apart by camera within a second; of more cameras they are summed together."""

RECORD_OVERHEAD_BYTES: Final = 100
"""Most that Kafka adds to a record that travels alone: the head of its batch, and the record's own."""

NOT_REACHED: Final = "not reached"
"""Of what is downstream: no output had been tried."""

_BECAME: Final = {
    Code.INTERNAL_ERROR: "given up",
    Code.TIMED_OUT: "given up",
    Code.OUTPUT_TOO_LARGE: "recognised, not written",
}
"""Of a request that was not refused for what it is."""

Cause = tuple[str | None, str, str]
"""Camera, the topic that was read, and the return code."""


def error_log_entry(
    deployment: Deployment,
    asked: Asked,
    code: Code,
    detail: str,
    *,
    person: str | None,
    logged_at_ms: int,
    given: InputSummary | None,
    attempt: int = 1,
    said: Mapping[str, str] | None = None,
    algorithm_output: str | None = None,
    measured: Measured | None = None,
    withheld: Callable[[str], bool] = lambda _text: False,
) -> ErrorLogEntry:
    """The record of a failed request.

    person: the keyed pseudonym, never the person id itself. withheld: whether a text is some person's id.
    said: by topic's short name, what the broker said of the outputs; None if none was tried.
    """

    def told(text: str | None) -> str | None:
        return WITHHELD if text is not None and withheld(text) else text

    return ErrorLogEntry(
        event_id=str(asked.event_id),
        request_interface=asked.interface,
        account=deployment.account,
        app_id=deployment.app_id,
        uin=told(asked.caller.uin),
        sub_uin=told(asked.caller.sub_uin),
        region=deployment.region,
        camera_id=told(asked.camera_id),
        person=person,
        logged_at_ms=logged_at_ms,
        upstream=f"{asked.event_id.topic} read",
        received=Received(
            partition=asked.event_id.partition,
            offset=asked.event_id.offset,
            age_ms=max(0, logged_at_ms - asked.requested_at_ms),
            attempt=attempt,
        ),
        downstream=", ".join(f"{topic} {word}" for topic, word in sorted((said or {}).items())) or NOT_REACHED,
        return_code=code,
        detail=detail[:MAX_DETAIL],
        input=given,
        output=_output(asked, code, measured),
        algorithm_output=None if algorithm_output is None else algorithm_output[:MAX_DETAIL],
        measured=measured,
    )


def _output(asked: Asked, code: Code, measured: Measured | None) -> str:
    """What the sender got: of a command an event with its code, of a frame no recognition."""
    became = _BECAME.get(code, "refused")
    if asked.event_id.topic == GALLERY_COMMANDS:
        return f"{became}, {code} on {GALLERY_EVENTS}"
    faces = 0 if code is not Code.OUTPUT_TOO_LARGE or measured is None else measured.faces
    return f"{became}, {faces} faces"


class Repeats:
    """Sums repeated failures of one camera and cause within a second, and keeps the error log below its rate.

    bytes_per_s: what this worker may add to the error log; beyond it everything is summed until there is room.
    """

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._allowance = bytes_per_s
        self._allowed_at_ms: int | None = None
        self._second: dict[Cause, int] = {}
        self._held: dict[Cause, ErrorLogEntry] = {}

    def admit(self, entry: ErrorLogEntry, now_ms: int) -> list[ErrorLogEntry]:
        """The record to write now: this one, or none if it is held back to be summed."""
        cause, second = self._cause(entry), now_ms // 1000
        if self._second.get(cause) == second or not self._spend(entry, now_ms):
            self._hold(cause, entry)
            return []
        self._second[cause] = second
        return [entry]

    def due(self, now_ms: int) -> Iterable[ErrorLogEntry]:
        """The sums whose second is over and for which there is room; each is given once."""
        for cause in [cause for cause, second in self._second.items() if second < now_ms // 1000]:
            if cause not in self._held:
                del self._second[cause]
        for cause, entry in tuple(self._held.items()):
            if self._second.get(cause, -1) < now_ms // 1000 and self._spend(entry, now_ms):
                del self._held[cause]
                self._second.pop(cause, None)
                yield entry

    def rest(self) -> list[ErrorLogEntry]:
        """All sums that are held, due or not: the worker ends.

        What is more than a second's worth is summed by topic and code, whatever the camera: workers that end again
        and again must not fill the log.
        """
        held, self._held, room = self._held, {}, self._bytes_per_s
        for cause, entry in held.items():
            room -= _size(entry)
            self._hold(cause if room >= 0 else (None, *cause[1:]), entry)
        rest = list(self._held.values())
        self._held.clear()
        return rest

    def put_back(self, entry: ErrorLogEntry) -> None:
        """Hold a sum that could not be written."""
        self._hold(self._cause(entry), entry)

    def _cause(self, entry: ErrorLogEntry) -> Cause:
        """With the camera, unless there are too many to tell apart."""
        cause = (entry.camera_id, entry.upstream, entry.return_code)
        known = cause in self._second or cause in self._held
        room = len(self._second) + len(self._held) < MAX_CAUSES
        return cause if known or room else (None, entry.upstream, entry.return_code)

    def _hold(self, cause: Cause, entry: ErrorLogEntry) -> None:
        held = self._held.get(cause)
        if held is not None:
            entry = msgspec.structs.replace(held, repeats=held.repeats + entry.repeats)
        self._held[cause] = entry

    def _spend(self, entry: ErrorLogEntry, now_ms: int) -> bool:
        """Whether the record fits into the allowance, which fills up again at bytes_per_s, to a second's worth.

        One that is larger than that goes out when the allowance is full, and is paid off before the next one.
        """
        passed_s = max(0, now_ms - (self._allowed_at_ms if self._allowed_at_ms is not None else now_ms)) / 1000
        self._allowed_at_ms = now_ms
        self._allowance = min(self._bytes_per_s, self._allowance + passed_s * self._bytes_per_s)
        size = _size(entry)
        if self._allowance < min(size, self._bytes_per_s):
            return False
        self._allowance -= size
        return True


def _size(entry: ErrorLogEntry) -> int:
    return len(records.encode(entry)) + RECORD_OVERHEAD_BYTES
