"""What was said, held against the truth: recognitions and sightings against the film.

Pure functions over records; faces are told apart by where they are, never by how they look.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from streams.demo.truth import FrameTruth, TruthFace, iou, visits_of, who_is_at
from streams.wire.records import Box, Recognition, RecognizedFace, Sighting

EXPECTED_FROM_FRAMES: Final = 10
"""A person is expected to be found who is usable in this many frames: a name needs several encodings."""

UNSEEN: Final = "unseen"
MISNAMED: Final = "misnamed"


@dataclass(frozen=True, slots=True)
class Fault:
    """A name that was given wrongly.

    where: the frame's id, or the visit's if a sighting said so.
    truth: who is there; None where nobody is.
    """

    where: str
    stated: str
    truth: str | None


@dataclass(frozen=True, slots=True)
class PersonTally:
    """How an enrolled person fared.

    face_frames, named: frames that show the person usably, and those of them that say the right name.
    visits, sightings: times that the person came into view, and visits that were reported.
    """

    person_id: str
    face_frames: int
    named: int
    visits: int
    sightings: int

    @property
    def expected(self) -> bool:
        """Whether the person is in view long enough to be found."""
        return self.face_frames >= EXPECTED_FROM_FRAMES

    @property
    def found(self) -> bool:
        """Whether the right name was said at least once, in a frame and in a sighting."""
        return self.named > 0 and self.sightings > 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a film.

    strangers_named: names given to who was never enrolled, or where nobody is.
    enrolled_faces, stranger_faces: usable face-frames of the frames that were recognised, by what was
        stated of them: a match status (`matched` is the right name), MISNAMED or UNSEEN.
    """

    frames_published: int
    frames_missing: tuple[str, ...]
    wrong_names: tuple[Fault, ...]
    strangers_named: tuple[Fault, ...]
    persons: tuple[PersonTally, ...]
    enrolled_faces: Mapping[str, int]
    stranger_faces: Mapping[str, int]

    @property
    def frames_recognised(self) -> int:
        """Frames of the film that have a recognition."""
        return self.frames_published - len(self.frames_missing)


def judge(
    film: Sequence[FrameTruth],
    recognitions: Iterable[Recognition],
    sightings: Iterable[Sighting],
    *,
    enrolled: Collection[str],
    visit_timeout_frames: int,
) -> Judgement:
    """Hold what was said against the film that was published.

    Records without a frame id of the film are others', and ignored. Of a frame that was recognised
    twice every name counts as a fault that is one, and the last recognition's statuses are counted.
    """
    truths = {frame.frame_id: frame for frame in film}
    said: dict[str, Recognition] = {}
    faults: list[Fault] = []
    for recognition in recognitions:
        frame = truths.get(recognition.frame_id or "")
        if frame is not None:
            said[frame.frame_id] = recognition
            faults += faults_of(frame, recognition)
    sightings = list(sightings)
    faults += misplaced(film, sightings)
    stated = Counter(
        entry for frame_id, recognition in said.items() for entry in statuses(truths[frame_id], recognition)
    )
    return Judgement(
        frames_published=len(truths),
        frames_missing=tuple(frame_id for frame_id in truths if frame_id not in said),
        wrong_names=tuple(fault for fault in faults if fault.truth in enrolled),
        strangers_named=tuple(fault for fault in faults if fault.truth not in enrolled),
        persons=_tallies(film, sightings, stated, enrolled, visit_timeout_frames),
        enrolled_faces=_by_status((entry, n) for entry, n in stated.items() if entry[0] in enrolled),
        stranger_faces=_by_status((entry, n) for entry, n in stated.items() if entry[0] not in enrolled),
    )


def faults_of(frame: FrameTruth, recognition: Recognition) -> list[Fault]:
    """The names in this recognition that are not those of who is there."""
    faults = []
    for face in recognition.faces:
        if face.match.person_id is None:
            continue
        there = who_is_at(frame, _ltwh(face.box))
        if there is None or there.person_id != face.match.person_id:
            faults.append(Fault(frame.frame_id, face.match.person_id, there.person_id if there else None))
    return faults


def misplaced(film: Iterable[FrameTruth], sightings: Iterable[Sighting]) -> list[Fault]:
    """Visits that name a person whom their camera never films; each once. Other cameras' are ignored."""
    filmed: dict[str, set[str]] = {}
    for frame in film:
        filmed.setdefault(frame.camera_id, set()).update(face.person_id for face in frame.faces)
    wrong = {
        (sighting.visit_id, sighting.person_id)
        for sighting in sightings
        if sighting.person_id is not None
        and sighting.camera_id in filmed
        and sighting.person_id not in filmed[sighting.camera_id]
    }
    return [Fault(visit_id, person_id, None) for visit_id, person_id in sorted(wrong)]


def statuses(frame: FrameTruth, recognition: Recognition) -> list[tuple[str, str]]:
    """Of each usable face of the frame: the person and what was stated, a match status or UNSEEN.

    A name that is not the person's counts as `misnamed`, not as `matched`.
    """
    said: dict[str, tuple[float, RecognizedFace]] = {}
    for face in recognition.faces:
        there = who_is_at(frame, _ltwh(face.box))
        if there is None:
            continue
        overlap = iou(there.box_ltwh, _ltwh(face.box))
        if there.person_id not in said or overlap > said[there.person_id][0]:
            said[there.person_id] = overlap, face
    stated = []
    for truth in frame.faces:
        if truth.usable:
            _, nearest = said.get(truth.person_id, (0.0, None))
            stated.append((truth.person_id, _status(truth, nearest)))
    return stated


def _tallies(
    film: Sequence[FrameTruth],
    sightings: Iterable[Sighting],
    stated: Counter[tuple[str, str]],
    enrolled: Collection[str],
    timeout_frames: int,
) -> tuple[PersonTally, ...]:
    usable = Counter(face.person_id for frame in film for face in frame.faces if face.usable)
    visits = visits_of(film, timeout_frames)
    cameras = {frame.camera_id for frame in film}
    reported = Counter(
        person_id for _, person_id in {(s.visit_id, s.person_id) for s in sightings if s.camera_id in cameras}
    )
    return tuple(
        PersonTally(person_id, usable[person_id], stated[person_id, "matched"], visits[person_id], reported[person_id])
        for person_id in sorted(enrolled)
    )


def _status(truth: TruthFace, said: RecognizedFace | None) -> str:
    if said is None:
        return UNSEEN
    if said.match.person_id not in (None, truth.person_id):
        return MISNAMED
    return said.match.status


def _by_status(entries: Iterable[tuple[tuple[str, str], int]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for (_, status), number in entries:
        counts[status] += number
    return dict(counts)


def _ltwh(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.width, box.height
