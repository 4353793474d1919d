"""Promise 5: each request that was processed has one entry in the running log, and a bill follows from it alone.

An offset below the group's committed one has an entry, or is a filler's, or expired before it was read, which the
error log says as long as it keeps that. A filler is gone from the input topic like the requests, but its place can be
told: it is appended once segment.ms has passed since the last request was read, so the requests on both sides of it lie
at least that far apart. Other offsets that are missing are lost entries; and what recognitions and gallery-events tell
of a request that has no entry is lost wherever it is.
"""

from collections import defaultdict
from contextlib import suppress
from typing import Final

from streams.audit.facts import Facts, Place
from streams.audit.finding import Finding, Findings, Promise
from streams.audit.reading import Seen
from streams.audit.runs import Gap, Runs, Unread
from streams.logs.billed import BILLED, Billed
from streams.logs.billing import Billing
from streams.wire.codes import Code
from streams.wire.event_id import EventId
from streams.wire.records import Erasure, ErrorLogEntry, GalleryEvent, Recognition, RunningLogEntry
from streams.wire.topics import RUNNING_LOG

FOLLOWING: Final = 1
"""A filler that was appended twice, since its first answer was lost, may follow another at once."""


class RunningLog:
    """Which requests have an entry, and whether the entries agree with themselves."""

    needs: Final = (RUNNING_LOG,)

    def __init__(self, facts: Facts, bills: tuple[Billing, Billing]) -> None:
        """bills: the first is added up here, the second by whoever reads the log once more before `finding`."""
        self.findings = Findings(Promise.RUNNING_LOG)
        self._facts = facts
        self._bills = bills
        self._runs: defaultdict[Place, Runs] = defaultdict(Runs)
        self._entries = self._repeats = self._earlier = self._told = 0
        self._erasures: dict[str, Erasure] = {}
        self._unread: defaultdict[Place, list[Unread]] = defaultdict(list)
        self._removed: dict[bytes, str] = {}

    def take(self, seen: Seen) -> None:
        """Every entry; and what tells of a request elsewhere, once the log was read."""
        if seen.short == RUNNING_LOG:
            self._bills[0].take(seen.partition, seen.value)
        match seen.record:
            case RunningLogEntry():
                self._entry(seen.record, seen)
            case Recognition(event_id=event_id) | GalleryEvent(event_id=event_id):
                self._told_of(event_id, seen)
            case Erasure(scope="account"):  # takes the entries up to it along
                self._erasures[seen.record.event_id] = seen.record
            case ErrorLogEntry(return_code=Code.EXPIRED_UNREAD, event_id=str(first)):
                self._expired(first, seen.record)
            case _ if seen.short == RUNNING_LOG and seen.form == "tombstone":
                if not self._is_erased(seen.timestamp_ms):
                    self._removed[seen.key] = seen.place
            case _ if seen.short == RUNNING_LOG and seen.form == "unreadable":
                self.findings.broke("a record that is no entry, or lacks a field", seen.place)

    def finding(self) -> Finding:
        """Nothing can be said where no request was processed, or where nobody tells how many were."""
        self.findings.saw(
            f"{self._entries} entries with all their fields read ({self._repeats} repeats, {self._earlier} of earlier"
            " epochs)"
        )
        for place in self._removed.values():
            self.findings.broke("an entry that was removed", place)
        if self._facts.why_no_positions:
            self.findings.could_not_see(f"which requests were processed: {self._facts.why_no_positions}", core=True)
        else:
            self._complete()
        self._billed()
        if self._told:
            self.findings.saw(f"{self._told} requests looked up that recognitions and gallery-events tell of")
        return self.findings.finding()

    @property
    def _erased_up_to_ms(self) -> int:
        """What was asked for up to then is erased with the account; -1 where none was."""
        return max((erasure.requested_at_ms for erasure in self._erasures.values()), default=-1)

    def _is_erased(self, at_ms: int) -> bool:
        """Whether an entry that was removed then went with the account.

        One that is confirmed has removed all of before: tombstones of earlier deletions of the account too, whose own
        records go with it.
        """
        return any(_removes(erasure, at_ms) for erasure in self._erasures.values())

    def _expired(self, first: str, entry: ErrorLogEntry) -> None:
        with suppress(ValueError):
            event = EventId.parse(first)
            if event.epoch == self._facts.epochs.get(event.topic):
                unread = Unread(event.offset, event.offset + entry.repeats, entry.logged_at_ms)
                self._unread[event.topic, event.partition].append(unread)

    def _billed(self) -> None:
        once, again = (bill.bill(account="", app_id="", region="") for bill in self._bills)
        if once != again:
            self.findings.broke("a bill that comes out otherwise when it is added up again")
        self.findings.saw(f"a bill over all of it, added up twice: {once.requests} requests, {once.billed} billed")

    def _entry(self, entry: RunningLogEntry, seen: Seen) -> None:
        try:
            event = EventId.parse(entry.event_id)
        except ValueError:
            self.findings.broke("an entry without an event id", seen.place)
            return
        if seen.key.decode(errors="replace") != entry.event_id or event.partition != seen.partition:
            self.findings.broke("an entry in another place than its request's", seen.place)
        if not _agrees(entry):
            self.findings.broke("an entry whose return code and bill disagree", seen.place)
        self._entries += 1
        self._removed.pop(seen.key, None)
        if event.epoch != self._facts.epochs.get(event.topic):
            self._earlier += 1
        elif not self._runs[event.topic, event.partition].add(event.offset, entry.requested_at_ms):
            self._repeats += 1

    def _told_of(self, event_id: str, seen: Seen) -> None:
        try:
            event = EventId.parse(event_id)
        except ValueError:
            return
        place = (event.topic, event.partition)
        positions = self._facts.positions.get(place)
        committed = None if positions is None else positions.committed
        if committed is None or event.offset >= committed or event.epoch != self._facts.epochs.get(event.topic):
            return
        if seen.timestamp_ms <= self._erased_up_to_ms:
            return
        self._told += 1
        if event.offset not in self._runs[place]:
            self.findings.broke("a request without an entry", f"{event_id}, which {seen.place} tells of")

    def _complete(self) -> None:
        processed = without = unread = 0
        for place, positions in sorted(self._facts.positions.items()):
            committed = positions.committed or 0
            processed += committed
            for gap in self._runs[place].gaps(0, committed):
                left = list(gap.without(self._unread[place]))
                missing = sum(each.size for each in left)
                without, unread = without + missing, unread + gap.size - missing
                self._missing(place, left)
        if not processed:
            self.findings.could_not_see("no request has been processed", core=True)
            return
        self.findings.saw(
            f"{processed} offsets of the input topics are done with: {processed - without - unread} have an entry,"
            f" {unread} expired unread, {without} have none and were held against where a filler may stand"
        )

    def _missing(self, place: Place, gaps: list[Gap]) -> None:
        short, partition = place
        for gap in gaps:
            if not self._may_be_fillers(gap, short):
                where = f"{short}-{partition}, offsets {gap.first} to {gap.last}"
                self.findings.broke("requests without an entry", where)

    def _may_be_fillers(self, gap: Gap, short: str) -> bool:
        after_ms = self._facts.now_ms if gap.after_ms is None else gap.after_ms
        before_ms = gap.before_ms
        if before_ms is None:
            return after_ms > self._erased_up_to_ms >= 0
        segment_ms = self._segment_ms(short)
        return after_ms - before_ms >= segment_ms and gap.size <= FOLLOWING + (after_ms - before_ms) // segment_ms

    def _segment_ms(self, short: str) -> int:
        inspected = () if self._facts.inspection is None else self._facts.inspection.topics
        found = next((topic.found for topic in inspected if topic.spec.short == short), None)
        settings = self._facts.topics.spec(short).config if found is None or not found.config else found.config
        return int(settings["segment.ms"])


def _removes(erasure: Erasure, at_ms: int) -> bool:
    match erasure.state:
        case "completed":
            return at_ms <= erasure.updated_at_ms
        case "confirmed":
            return True
        case _:
            return erasure.requested_at_ms <= at_ms


def _agrees(entry: RunningLogEntry) -> bool:
    try:
        billed = BILLED[Code(entry.return_code)]
    except ValueError:
        return False
    return billed is Billed.IF_DECODED or (billed is not Billed.NO_REQUEST and entry.billed == (billed is Billed.YES))
