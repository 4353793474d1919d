"""What became of the frames of a run, counted from the records that stand on the topics: pure functions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.wire.codes import Code
from streams.wire.event_id import EventId
from streams.wire.topics import CAMERA_FRAMES
from tests.kafka.faults.visits import named_visits, split_visits

Place = tuple[int, int]
"""A frame's input partition and offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A record of one of our topics as it stands there.

    appended_ms: its timestamp. generation: of the membership under which it was written.
    """

    partition: int
    offset: int
    appended_ms: int
    key: str | None
    generation: int
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that stands on the topics after a run, in any order."""

    recognitions: Sequence[Read] = ()
    running: Sequence[Read] = ()
    errors: Sequence[Read] = ()
    sightings: Sequence[Read] = ()
    visits: Sequence[Read] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A scenario's result.

    frames_sent: acknowledged by the broker. recognised: of them, with a recognition. lost: with neither a recognition
    nor an error-log record with a code. processed_twice: recognitions beyond a frame's first. out_of_order: first
    recognitions of a camera behind a later frame's. stale: records of a former owner behind its successor's.
    log_records: distinct entries of the running log. split_visits: visits of named persons that should have been one.
    worst_gap_s: longest time between two recognitions of one camera. billed_changed: frames whose entries differ in
    `billed`. visits: of named persons.
    """

    scenario: str
    frames_sent: int
    recognised: int
    lost: int
    processed_twice: int
    out_of_order: int
    stale: int
    log_records: int
    split_visits: int
    worst_gap_s: float
    billed_changed: int
    visits: int

    @property
    def broken(self) -> list[str]:
        """What must not be, in words; empty when all promises were kept."""
        zero = ("lost", "out_of_order", "stale", "split_visits", "billed_changed")
        found = [f"{name} is {getattr(self, name)}" for name in zero if getattr(self, name)]
        if self.log_records != self.frames_sent:
            found.append(f"{self.log_records} running-log entries for {self.frames_sent} frames")
        if not self.frames_sent:
            found.append("no frame was sent")
        if not self.visits:
            found.append("nobody was named")
        return found


def count(scenario: str, sent: Iterable[Place], standing: Standing, *, visit_timeout_ms: int) -> Row:
    """The row of one run. Frames that were sent without the broker's word are in no column but stale."""
    places = set(sent)
    known = [record for record in standing.recognitions if place(record) in places]
    recognised = {place(record) for record in known}
    entries = [record for record in of_frames(standing.running) if place(record) in places]
    by_camera = in_order(standing.sightings)
    return Row(
        scenario=scenario,
        frames_sent=len(places),
        recognised=len(recognised),
        lost=len(unanswered(places, standing)),
        processed_twice=len(known) - len(recognised),
        out_of_order=out_of_order(known),
        stale=stale(standing.recognitions)
        + stale(of_frames(standing.running))
        + stale(standing.sightings)
        + stale(standing.visits),
        log_records=len({record.key for record in entries if _is_in_its_place(record)}),
        split_visits=split_visits([record.value for record in by_camera], visit_timeout_ms),
        worst_gap_s=worst_gap_s(standing.recognitions),
        billed_changed=billed_changed(entries),
        visits=len(named_visits(record.value for record in by_camera)),
    )


def of_frames(records: Iterable[Read]) -> list[Read]:
    """Of a log's records, those about one frame."""
    return [
        record
        for record in records
        if record.value["event_id"] and EventId.parse(record.value["event_id"]).topic == CAMERA_FRAMES
    ]


def place(record: Read) -> Place:
    """Where the frame stood that this record is about; of the record of open visits, the frame up to which it holds."""
    if "event_id" not in record.value:
        return record.value["partition"], record.value["offset"]
    found = EventId.parse(record.value["event_id"])
    return found.partition, found.offset


def in_order(records: Iterable[Read]) -> list[Read]:
    """As the broker appended them, partition by partition."""
    return sorted(records, key=lambda record: (record.partition, record.offset))


def unanswered(places: set[Place], standing: Standing) -> set[Place]:
    """Frames with neither a recognition nor an error-log record with a code.

    The error log sums what repeats of one camera and code within a second: the running log then says of each frame
    how it failed, and the error log must tell of as many.
    """
    told = [record for record in of_frames(standing.errors) if record.value["return_code"]]
    rest = places - {place(record) for record in (*standing.recognitions, *told)}
    summed: Counter[tuple[str, str]] = Counter()
    for record in told:
        summed[record.value["camera_id"], record.value["return_code"]] += record.value["repeats"] - 1
    for record in of_frames(standing.running):
        cause = record.value["camera_id"], record.value["return_code"]
        if place(record) in rest and record.value["return_code"] != Code.OK and summed[cause]:
            summed[cause] -= 1
            rest.discard(place(record))
    return rest


def out_of_order(recognitions: Iterable[Read]) -> int:
    """First recognitions that stand behind that of a later frame of the same camera."""
    newest: dict[str, int] = {}
    seen: set[Place] = set()
    late = 0
    for record in in_order(recognitions):
        if (at := place(record)) in seen:
            continue
        seen.add(at)
        camera = record.value["camera_id"]
        late += at[1] < newest.get(camera, -1)
        newest[camera] = max(at[1], newest.get(camera, -1))
    return late


def stale(records: Iterable[Read]) -> int:
    """Records of an earlier generation than one that stands before them, about the same input partition."""
    newest: dict[tuple[int, int], int] = {}
    found = 0
    for record in in_order(records):
        line = record.partition, place(record)[0]
        found += record.generation < newest.get(line, -1)
        newest[line] = max(record.generation, newest.get(line, -1))
    return found


def billed_changed(entries: Iterable[Read]) -> int:
    """Frames whose running-log entries do not agree on `billed`."""
    said: dict[str, set[bool]] = defaultdict(set)
    for record in entries:
        said[record.value["event_id"]].add(record.value["billed"])
    return sum(len(values) > 1 for values in said.values())


def worst_gap_s(recognitions: Iterable[Read]) -> float:
    """Longest time between two recognitions of one camera; 0 for less than two."""
    last: dict[str, int] = {}
    worst = 0
    for record in in_order(recognitions):
        camera = record.value["camera_id"]
        worst = max(worst, record.appended_ms - last.get(camera, record.appended_ms))
        last[camera] = max(record.appended_ms, last.get(camera, 0))
    return worst / 1000


def _is_in_its_place(entry: Read) -> bool:
    """Under the event id as its key, in the partition that the frame has."""
    return entry.key == entry.value["event_id"] and entry.partition == place(entry)[0]
