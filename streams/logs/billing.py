"""A bill, added up from the running log alone.

An entry may stand in the log several times, when its request was delivered again, and once when the log has been
compacted. All of them agree on what counts here, and stand in the partition that the request has; so each offset of
an input partition counts once, whichever entry of it comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import structs

from streams.logs.once import MOST_GAPS, OnceEach, TooFarBackError
from streams.wire.event_id import EventId
from streams.wire.records import Bill, BillLine
from streams.wire.records.logs import RequestInterface

MOST_LINES_BYTES: Final = 512 * 1024
"""Of a bill that stands in a record: half of what a topic takes of one."""

Place = tuple[str, str]
"""Epoch and short name of the input topic."""

User = tuple[str | None, str | None, RequestInterface]


class BillingError(Exception):
    """The running log does not say what is to be billed; the message is one line."""


class _Entry(msgspec.Struct, frozen=True):
    """Of a running-log entry, what counts."""

    event_id: str
    request_interface: RequestInterface
    uin: str | None
    sub_uin: str | None
    requested_at_ms: int
    billed: bool


_entries: Final = msgspec.json.Decoder(_Entry)


@dataclass(slots=True)
class _Counted:
    requests: int = 0
    billed: int = 0


class Billing:
    """Takes the entries of a running log, partition after partition; the order within a partition does not matter.

    from_ms, to_ms: requests of this time, by their append time, the end not included. uin: of this user alone; None:
    of all. What it keeps grows with the users on the bill, and with the gaps of one partition up to `most_gaps`.
    unreadable: records that are no entries.
    """

    def __init__(self, from_ms: int, to_ms: int, *, uin: str | None = None, most_gaps: int = MOST_GAPS) -> None:
        self.unreadable = 0
        self._from_ms, self._to_ms = from_ms, to_ms
        self._uin = uin
        self._most_gaps = most_gaps
        self._partition = -1
        self._seen: dict[Place, OnceEach] = {}
        self._counted: dict[User, _Counted] = {}

    def take(self, partition: int, value: bytes | None) -> None:
        """Take what stands in this partition of the log; fillers and tombstones are empty.

        Raises BillingError where it cannot be told whether an entry repeats another.
        """
        if partition != self._partition:
            self._partition, self._seen = partition, {}
        if not value:
            return
        try:
            entry = _entries.decode(value)
            event = EventId.parse(entry.event_id)
        except ValueError:
            self.unreadable += 1
            return
        if not self._from_ms <= entry.requested_at_ms < self._to_ms:
            return
        if self._is_new(event) and self._uin in (None, entry.uin):  # those of others would be gaps to keep
            self._count(entry)

    def bill(self, *, account: str, app_id: str, region: str) -> Bill:
        """What has been taken so far; lines by user and interface."""
        counted = sorted(self._counted.items(), key=lambda each: [(part is not None, part or "") for part in each[0]])
        lines = [
            BillLine(uin=uin, sub_uin=sub_uin, request_interface=interface, requests=of.requests, billed=of.billed)
            for (uin, sub_uin, interface), of in counted
        ]
        return Bill(
            account=account,
            app_id=app_id,
            region=region,
            from_ms=self._from_ms,
            to_ms=self._to_ms,
            requests=sum(line.requests for line in lines),
            billed=sum(line.billed for line in lines),
            lines=lines,
        )

    def _is_new(self, event: EventId) -> bool:
        seen = self._seen.setdefault((event.epoch, event.topic), OnceEach(self._most_gaps))
        try:
            return seen.add(event.offset)
        except TooFarBackError as error:
            raise BillingError(
                f"running-log partition {self._partition}: {event} stands too far behind later requests to tell whether"
                " it is there twice: take a shorter time"
            ) from error

    def _count(self, entry: _Entry) -> None:
        counted = self._counted.setdefault((entry.uin, entry.sub_uin, entry.request_interface), _Counted())
        counted.requests += 1
        counted.billed += entry.billed


def abridged(bill: Bill, most_bytes: int = MOST_LINES_BYTES) -> Bill:
    """As many of its first lines as `most_bytes` of JSON hold, and one that sums up the others; the totals stay."""
    left_bytes = most_bytes
    for number, line in enumerate(bill.lines):
        left_bytes -= len(msgspec.json.encode(line)) + len(",")
        if left_bytes < 0:
            return structs.replace(bill, lines=[*bill.lines[:number], _summed(bill.lines[number:])])
    return bill


def _summed(lines: Sequence[BillLine]) -> BillLine:
    return BillLine(
        uin=None,
        sub_uin=None,
        request_interface="others",
        requests=sum(line.requests for line in lines),
        billed=sum(line.billed for line in lines),
    )
