"""Visits: who is in front of a camera, from frame to frame. Pure: a camera's visits and a frame in, the new
visits and what is to be said about them out.

A named person has one visit, whatever tracks it came in; an unknown has one for its track. Time is the
broker's append time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from msgspec import structs

from models.types import Face, MatchStatus
from streams.wire.headers import Deployment
from streams.wire.records import OpenVisit, OpenVisits, Sighting

NOTHING_YET: Final = -1

MAX_OPEN: Final = 300
"""Open visits of one camera; beyond it those unseen longest end. A camera that sees new faces without end must not make
a record on the topic visits that the broker refuses (1 MB): each visit stands there, and once more when it ends.
"""

Reason = Literal["left", "silent", "handover", "forgotten"]
Knows = Callable[[str, str], bool]
"""Whether a gallery (first) holds a person (second)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitSettings:
    """timeout_ms: a visit ends when its face was not seen for so long. update_ms: between two updates."""

    timeout_ms: int = 5_000
    update_ms: int = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameOf:
    """What the visits need to know of a frame. ref: its event id."""

    camera_id: str
    deployment: Deployment
    gallery: str
    ref: str
    offset: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Visits:
    """A camera's open visits, up to and with the frame at `offset`; `ref` is that frame's event id."""

    offset: int = NOTHING_YET
    ref: str = ""
    open: tuple[OpenVisit, ...] = ()


def advance(
    visits: Visits, faces: Sequence[Face], frame: FrameOf, settings: VisitSettings, knows: Knows
) -> tuple[Visits, list[Sighting]]:
    """The visits after a frame, and what to publish. A frame at or below `visits.offset` changes nothing."""
    if frame.offset <= visits.offset:
        return visits, []
    step = _Step(visits.open, frame, settings)
    step.end_forgotten(knows)
    for number, face in enumerate(faces):
        step.see(number, face)
    step.end_unseen()
    step.end_beyond(MAX_OPEN)
    return Visits(frame.offset, frame.ref, tuple(step.open.values())), step.said


def end_all(
    visits: Visits,
    camera_id: str,
    deployment: Deployment,
    reason: Reason,
    *,
    only: Callable[[OpenVisit], bool],
    knows: Knows,
) -> tuple[Visits, list[Sighting]]:
    """End the visits that `only` picks, and those of the forgotten, though no frame did. The offset stays."""
    left: list[OpenVisit] = []
    said: list[Sighting] = []
    for visit in visits.open:
        forgotten = visit.person_id is not None and not knows(visit.gallery, visit.person_id)
        if forgotten:
            unnamed = structs.replace(visit, person_id=None)
            said.append(_sighting("exit", unnamed, visits.ref, camera_id, deployment, "forgotten"))
        elif only(visit):
            said.append(_sighting("exit", visit, visits.ref, camera_id, deployment, reason))
        else:
            left.append(visit)
    return replace(visits, open=tuple(left)), said


def unnamed_if_forgotten(sighting: Sighting, knows: Knows) -> Sighting:
    """The sighting as it may be said again: a deleted person is not named once more."""
    if sighting.person_id is None or knows(sighting.gallery, sighting.person_id):
        return sighting
    return structs.replace(sighting, person_id=None)


class _Step:
    """One frame's changes."""

    def __init__(self, before: Iterable[OpenVisit], frame: FrameOf, settings: VisitSettings) -> None:
        self.open = {visit.visit_id: visit for visit in before}
        self.said: list[Sighting] = []
        self._frame = frame
        self._settings = settings

    def end_forgotten(self, knows: Knows) -> None:
        """A deleted person is not named once more, not even to say that it left."""
        for visit in tuple(self.open.values()):
            if visit.person_id is not None and not knows(visit.gallery, visit.person_id):
                self._end(structs.replace(visit, person_id=None), "forgotten")

    def see(self, number: int, face: Face) -> None:
        """A settled face opens a visit or goes on with its own; an unsettled one only goes on."""
        visit = self._visit_of(face)
        event: Literal["enter", "update"] | None = None
        if visit is None:
            if face.match.status not in (MatchStatus.MATCHED, MatchStatus.UNKNOWN):
                return
            event, visit = "enter", self._new(number, face)
        elif visit.person_id is None and face.match.person_id is not None:
            event, visit = "update", structs.replace(visit, person_id=face.match.person_id)
        elif self._frame.at_ms - visit.stated_at_ms >= self._settings.update_ms:
            event = "update"
        seen = _seen(visit, face, self._frame.at_ms)
        if event is not None:
            seen = structs.replace(seen, stated_at_ms=seen.last_seen_ms)
            self._say(event, seen)
        self.open[seen.visit_id] = seen

    def end_unseen(self) -> None:
        for visit in tuple(self.open.values()):
            if self._frame.at_ms - visit.last_seen_ms >= self._settings.timeout_ms:
                self._end(visit, "left")

    def end_beyond(self, most: int) -> None:
        """Those unseen longest."""
        by_age = sorted(self.open.values(), key=lambda visit: visit.last_seen_ms)
        for visit in by_age[: max(0, len(by_age) - most)]:
            self._end(visit, "left")

    def _visit_of(self, face: Face) -> OpenVisit | None:
        """By name where there is one, else by track: a pending or turned face keeps its track's visit open."""
        mine = [visit for visit in self.open.values() if visit.gallery == self._frame.gallery]
        name, status = face.match.person_id, face.match.status
        named = [visit for visit in mine if name is not None and visit.person_id == name]
        # a stranger's face does not prolong the visit of whom its track was taken for before
        unnamed_only = status in (MatchStatus.MATCHED, MatchStatus.UNKNOWN)
        same_track = [
            visit
            for visit in mine
            if visit.track_id == face.track_id and not (unnamed_only and visit.person_id is not None)
        ]
        return next(iter(named + same_track), None)

    def _new(self, number: int, face: Face) -> OpenVisit:
        return OpenVisit(
            visit_id=f"{self._frame.ref}.{number}",
            gallery=self._frame.gallery,
            person_id=face.match.person_id,
            track_id=face.track_id,
            first_seen_ms=self._frame.at_ms,
            last_seen_ms=self._frame.at_ms,
            frames=0,
            best_similarity=None,
            stated_at_ms=self._frame.at_ms,
        )

    def _end(self, visit: OpenVisit, reason: Reason) -> None:
        del self.open[visit.visit_id]
        self._say("exit", visit, reason)

    def _say(self, event: Literal["enter", "update", "exit"], visit: OpenVisit, reason: Reason | None = None) -> None:
        frame = self._frame
        self.said.append(_sighting(event, visit, frame.ref, frame.camera_id, frame.deployment, reason))


def _seen(visit: OpenVisit, face: Face, at_ms: int) -> OpenVisit:
    similarity = _similarity(face)
    known = [value for value in (visit.best_similarity, similarity) if value is not None]
    return structs.replace(
        visit,
        track_id=face.track_id,
        last_seen_ms=max(visit.last_seen_ms, at_ms),
        frames=visit.frames + 1,
        best_similarity=max(known, default=None),
    )


def _similarity(face: Face) -> float | None:
    """Of a named face to its person; what a stranger resembles is nobody's business."""
    return face.match.similarity if face.match.status is MatchStatus.MATCHED else None


def _sighting(
    event: Literal["enter", "update", "exit"],
    visit: OpenVisit,
    ref: str,
    camera_id: str,
    deployment: Deployment,
    reason: Reason | None,
) -> Sighting:
    return Sighting(
        event=event,
        event_id=ref,
        visit_id=visit.visit_id,
        camera_id=camera_id,
        account=deployment.account,
        region=deployment.region,
        gallery=visit.gallery,
        person_id=visit.person_id,
        first_seen_ms=visit.first_seen_ms,
        last_seen_ms=visit.last_seen_ms,
        frames=visit.frames,
        best_similarity=visit.best_similarity,
        reason=reason,
    )


def record(visits: Visits, camera_id: str, epoch: str, partition: int, transitions: Sequence[Sighting]) -> OpenVisits:
    """What the camera's next owner needs."""
    return OpenVisits(
        camera_id=camera_id,
        epoch=epoch,
        partition=partition,
        offset=visits.offset,
        visits=list(visits.open),
        transitions=list(transitions),
    )
