"""What a worker says of requests: entries of the running log, recognitions, sums of the error log."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from streams.wire import records
from streams.wire.codes import Code
from streams.wire.event_id import EventId
from streams.wire.records import ErrorLogEntry, Recognition, RunningLogEntry
from tests.fuzz.samples import PERSON_ID

SUCCESSES: Final = frozenset({Code.OK, Code.ENROLLED, Code.FORGETTING, Code.FORGOTTEN})
"""All others leave an account in the error log."""

BESIDE: Final = "beside"
"""The camera whose only frames are good ones."""

Place = tuple[str, int, int]
"""Input topic's short name, partition and offset."""

Cause = tuple[str, str]
"""Topic's short name and return code."""


@dataclass(slots=True)
class Answers:
    """By request; `take_*` are fed with the topics' records.

    codes: of each entry in the running log. seen: the camera, and who was named in the frame, None for somebody else.
    """

    codes: dict[Place, list[Code]] = field(default_factory=lambda: defaultdict(list))
    seen: dict[Place, tuple[str, set[str | None]]] = field(default_factory=dict)

    def take_entry(self, message: Any) -> None:
        """Of the running log."""
        entry = records.decode(message.value, RunningLogEntry)
        self.codes[_place(entry.event_id)].append(Code(entry.return_code))

    def take_recognition(self, message: Any) -> None:
        """Of recognitions, among which there may be bad ones."""
        try:
            record = records.decode(message.value or b"", Recognition)
        except ValueError:
            return
        self.seen[_place(record.event_id)] = record.camera_id, {face.match.person_id for face in record.faces}

    def missing(self, requests: Iterable[Place], frames: Collection[Place]) -> set[Place]:
        """The requests without an entry in the running log, and the frames said to be recognised without a record."""
        missing = {place for place in requests if place not in self.codes}
        return missing | {each for each in frames if self.codes.get(each) == [Code.OK] and each not in self.seen}

    def recognised(self, frame: Place) -> bool:
        """Whether somebody was seen: in BESIDE PERSON_ID; elsewhere a spoilt picture may have gone before."""
        camera_id, persons = self.seen.get(frame, ("", set()))
        return PERSON_ID in persons if camera_id == BESIDE else bool(persons)

    def failures(self) -> Counter[Cause]:
        """By cause, what the running log has of requests that failed."""
        return Counter(
            (place[0], code.value) for place, codes in self.codes.items() for code in codes if code not in SUCCESSES
        )


def summed(error_log: Iterable[Any]) -> Counter[Cause]:
    """By cause, how many failures the error log's records stand for."""
    sums: Counter[Cause] = Counter()
    for message in error_log:
        entry = records.decode(message.value, ErrorLogEntry)
        sums[entry.upstream.removesuffix(" read"), entry.return_code] += entry.repeats
    return sums


def _place(event_id: str) -> Place:
    found = EventId.parse(event_id)
    return found.topic, found.partition, found.offset
