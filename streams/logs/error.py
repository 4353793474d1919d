"""The error log: a record for each request that failed; repeats of one cause within a second are summed.

The first failure of a camera and cause in a second leaves its record with the request, before that is
acknowledged. What repeats it within the second is counted and written as one record when the second is
over. Each of them has its own running-log entry all the same; a worker that dies in between loses the
count of at most one second.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from streams.logs.running import Asked
from streams.wire.codes import Code
from streams.wire.headers import Deployment
from streams.wire.records import ErrorLogEntry, InputSummary

MAX_DETAIL: Final = 1000
MAX_CAUSES: Final = 10_000
"""Camera and cause pairs that are remembered within a second; more are written unsummed."""


def error_log_entry(
    deployment: Deployment,
    asked: Asked,
    code: Code,
    detail: str,
    *,
    person: str | None,
    logged_at_ms: int,
    given: InputSummary | None,
    algorithm_output: str | None = None,
) -> ErrorLogEntry:
    """The record of a failed request. person: the keyed pseudonym, never the person id itself."""
    return ErrorLogEntry(
        event_id=str(asked.event_id),
        request_interface=asked.interface,
        account=deployment.account,
        app_id=deployment.app_id,
        uin=asked.caller.uin,
        sub_uin=asked.caller.sub_uin,
        region=deployment.region,
        camera_id=asked.camera_id,
        person=person,
        logged_at_ms=logged_at_ms,
        upstream=f"{asked.event_id.topic} read",
        downstream="outputs writable",
        return_code=code,
        detail=detail[:MAX_DETAIL],
        input=given,
        output="refused" if code is not Code.INTERNAL_ERROR else "not recognised",
        algorithm_output=None if algorithm_output is None else algorithm_output[:MAX_DETAIL],
    )


class Repeats:
    """Sums repeated failures of one camera and cause within a second of the requests' own time."""

    def __init__(self) -> None:
        self._second: dict[tuple[str | None, str], int] = {}
        self._held: dict[tuple[str | None, str], ErrorLogEntry] = {}

    def admit(self, entry: ErrorLogEntry, at_ms: int) -> list[ErrorLogEntry]:
        """The records to write now: this one, or none if it repeats; and the sum of those before it."""
        cause, second = (entry.camera_id, entry.return_code), at_ms // 1000
        if self._second.get(cause) == second:
            held = self._held.get(cause)
            count = 1 if held is None else held.repeats + 1
            self._held[cause] = msgspec.structs.replace(held or entry, repeats=count)
            return []
        due = self._held.pop(cause, None)
        if cause in self._second or len(self._second) < MAX_CAUSES:
            self._second[cause] = second
        return [entry] if due is None else [due, entry]

    def due(self, now_ms: int) -> Iterable[ErrorLogEntry]:
        """The sums whose second is over; each is given once."""
        over = [cause for cause, second in self._second.items() if second < now_ms // 1000]
        for cause in over:
            del self._second[cause]
            held = self._held.pop(cause, None)
            if held is not None:
                yield held
