"""The running log: one entry for each request, whatever became of it, under the request's event id."""

from collections.abc import Sequence
from dataclasses import dataclass

from streams.logs.billed import is_billed
from streams.wire.codes import Code
from streams.wire.event_id import EventId
from streams.wire.headers import Caller, Deployment
from streams.wire.records import LoggedFace, RunningLogEntry, SealedPerson
from streams.wire.records.logs import RequestInterface


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asked, as far as its key and headers could be read.

    person_id: never written to a log as it is.
    """

    event_id: EventId
    interface: RequestInterface
    caller: Caller
    requested_at_ms: int
    camera_id: str | None = None
    gallery: str | None = None
    person_id: str | None = None
    request_id: str | None = None


def running_log_entry(
    deployment: Deployment,
    asked: Asked,
    code: Code,
    *,
    accessed_at_ms: int,
    persons: Sequence[SealedPerson] = (),
    results: Sequence[LoggedFace] = (),
    decoded: bool = False,
) -> RunningLogEntry:
    """The entry of a request with this outcome. decoded: as `is_billed` takes it."""
    return RunningLogEntry(
        event_id=str(asked.event_id),
        request_interface=asked.interface,
        account=deployment.account,
        app_id=deployment.app_id,
        uin=asked.caller.uin,
        sub_uin=asked.caller.sub_uin,
        region=deployment.region,
        request_ip=asked.caller.request_ip,
        request_id=asked.request_id,
        camera_id=asked.camera_id,
        gallery=asked.gallery,
        requested_at_ms=asked.requested_at_ms,
        accessed_at_ms=accessed_at_ms,
        billed=is_billed(code, decoded=decoded),
        return_code=code,
        persons=list(persons),
        results=list(results),
    )
