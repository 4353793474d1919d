"""What was to be seen: who is where in which frame of the film, and how often they came."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

BoxLTWH = tuple[float, float, float, float]
"""Left, top, width, height as fractions of the frame."""

MIN_IOU: Final = 0.2
"""From this overlap on a stated face is the person who is there: people of the film never overlap, so it may be low."""


@dataclass(frozen=True, slots=True)
class TruthFace:
    """A person's face in a frame.

    box_ltwh: left, top, width, height as fractions of the frame, clipped to it.
    usable: wholly in view and large enough; others are neither right nor wrong, unless misnamed.
    """

    person_id: str
    box_ltwh: BoxLTWH
    usable: bool


@dataclass(frozen=True, slots=True)
class FrameTruth:
    """Who is to be seen in frame `number` of a camera."""

    camera_id: str
    number: int
    faces: tuple[TruthFace, ...]

    @property
    def frame_id(self) -> str:
        """Camera and number: unique in the film; sent as the header frame_id."""
        return f"{self.camera_id}-{self.number:05d}"


def who_is_at(frame: FrameTruth, box_ltwh: BoxLTWH) -> TruthFace | None:
    """The face that this box overlaps best; None below MIN_IOU."""
    overlaps = [(iou(face.box_ltwh, box_ltwh), face) for face in frame.faces]
    best, face = max(overlaps, key=lambda pair: pair[0], default=(0.0, None))
    return face if best >= MIN_IOU else None


def visits_of(film: Iterable[FrameTruth], timeout_frames: int) -> Counter[str]:
    """How often each person came into view, summed over the cameras.

    A visit begins with a usable face, and goes on through at most `timeout_frames` frames in a row without
    any part of it.
    """
    last: dict[tuple[str, str], int] = {}
    visits: Counter[str] = Counter()
    for frame in sorted(film, key=lambda frame: (frame.camera_id, frame.number)):
        for face in frame.faces:
            place = frame.camera_id, face.person_id
            open_ = place in last and frame.number - last[place] - 1 <= timeout_frames
            if not open_ and face.usable:
                visits[face.person_id] += 1
            if open_ or face.usable:
                last[place] = frame.number
    return visits


def iou(one_ltwh: BoxLTWH, other_ltwh: BoxLTWH) -> float:
    """Area that two boxes share over the area that they cover, 0 to 1."""
    left, top, width, height = one_ltwh
    other_left, other_top, other_width, other_height = other_ltwh
    across = min(left + width, other_left + other_width) - max(left, other_left)
    down = min(top + height, other_top + other_height) - max(top, other_top)
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (width * height + other_width * other_height - shared)
