"""Boxes to tracks: which detection of this frame is which face of the frames before.

Why a tracker of our own. Synthetic faces at 25 frames a second, boxes off by 4 % of their size, six seeds of 800
frames; each face is missed for 3, 8 or 20 frames now and then, and nearer faces hide those behind. `slow` and `fast`:
five faces that cross at about 1 and 3 to 8 face widths a second; `row`: six side by side. Ids a face (1 is perfect):

    missed frames                        slow            row             fast      time
                                      3   8  20       3   8  20       3   8  20
    this                            1.5 1.8 4.2     1.0 1.0 1.2     1.1 3.0 6.7     82 us
    this, rejoined by the face      1.2 1.1 1.3     1.0 1.0 1.0     1.1 1.2 1.0    128 us
    trackers 2.6.1, ByteTrack       1.3 1.9 4.0     1.0 1.0 1.2     1.3 3.7 6.8    140 us
    norfair-enough 2.4.3            1.4 2.2 6.0     1.0 1.0 3.5     1.8 3.9 7.7    410 us
    edgefirst-tracker 0.38.0        2.1 3.2 5.0     1.0 1.0 1.4    22.4  17  19      5 us

By motion alone the good ones are equal; what tells is the face (at 2 to 4 encodings for 100 faces seen, and a wrong
name in at most 3 of 1,000). That needs a tracker which says when it may be wrong, whose state is a value that a failed
frame leaves untouched, and whose time is the caller's. ByteTrack would bring plotting and a second OpenCV.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from models.types import Detections
from models.vision.follow.motion import Motion

_SPREADS: Final = 3.0
_NEAREST_GATE: Final = 0.8
_WIDEST_GATE: Final = 1.1
"""How far from the expected place a face may be: three standard deviations, held between these, in face sizes.
Heads side by side are rarely nearer than 1.2 of them: however long one is out of sight, it is not the other."""
_SIZE_GATE: Final = np.log(1.8)
"""Largest change of size between two sightings, as a logarithm."""
_SIZE_WEIGHT: Final = 0.5
_GAP_WEIGHT: Final = 0.3
"""What a doubling of size (by its logarithm) and a second out of sight cost, in face sizes: of two tracks at
one place the one seen last has the better claim."""
_UNMATCHED: Final = 2.0
"""What it costs to leave a pair unmatched. More than the dearest single match, yet less than two far ones: a row
of people must not move up by one each because its first is hidden and somebody has joined at its end."""
_CROWD_MARGIN: Final = 0.5
"""Two faces could be mistaken for each other if the wrong pair is dearer by less than this, in face sizes."""
_SURPRISE: Final = 0.6
_LONG_GAP_MS: Final = 250
_CROWDED_GAP_MS: Final = 100
"""From this distance, or this gap (in a crowd the second), a track may have been joined to somebody else."""


@dataclass(frozen=True, slots=True)
class Track:
    """One face followed through the frames.

    track_id: `<frame_ref>.<n>`, see free_id.
    motion: as of seen_ms.
    seen_ms: time of the last frame that showed it.
    crowded: in that frame another face stood so near that the two could have been mistaken for each other.
    surprised: in that frame it was seen far from where it was expected, or after a long gap.
    """

    track_id: str
    motion: Motion
    seen_ms: int
    crowded: bool = False
    surprised: bool = False


@dataclass(frozen=True, slots=True)
class Tracking:
    """What a frame made of the tracks.

    seen: one track for each detection, in their order; no track twice.
    missed: tracks that this frame does not show and that have not ended.
    """

    seen: tuple[Track, ...]
    missed: tuple[Track, ...]


class Tracker(Protocol):
    """Joins detections into tracks. Pure: the tracks go in and come out, nothing is kept."""

    def update(self, tracks: Sequence[Track], detections: Detections, *, frame_ref: str, at_ms: int) -> Tracking:
        """The tracks after a frame.

        at_ms: not before any track's seen_ms; may equal it. A track not seen for longer than the
        tracker's patience is in neither list. Equal arguments give equal results.
        """
        ...


class MotionTracker:
    """Expects each face where its speed takes it, and joins all at once at the least total distance.

    coast_ms: a track not seen for longer is not joined by motion any more (only its face can bring it back).
    max_gap_ms: a track not seen for longer has ended.
    """

    def __init__(self, *, coast_ms: int, max_gap_ms: int) -> None:
        self._coast_ms = coast_ms
        self._max_gap_ms = max_gap_ms

    def update(self, tracks: Sequence[Track], detections: Detections, *, frame_ref: str, at_ms: int) -> Tracking:
        """See Tracker."""
        living = [track for track in tracks if at_ms - track.seen_ms <= self._max_gap_ms]
        coasting = [track for track in living if at_ms - track.seen_ms <= self._coast_ms]
        expected = [track.motion.after((at_ms - track.seen_ms) / 1000) for track in coasting]
        gaps_s = np.array([(at_ms - track.seen_ms) / 1000 for track in coasting])
        costs, allowed = _costs(expected, gaps_s, detections)
        taken = {track.track_id for track in living}
        seen = [
            Track(free_id(frame_ref, n, taken), Motion.start(box), at_ms)
            for n, box in enumerate(detections.boxes_xyxy_px)
        ]
        for row, column in _assign(costs, allowed):
            crowded = _crowded(costs, row, column)
            patience_ms = _CROWDED_GAP_MS if crowded else _LONG_GAP_MS
            surprised = bool(costs[row, column] > _SURPRISE) or at_ms - coasting[row].seen_ms > patience_ms
            motion = expected[row].corrected(detections.boxes_xyxy_px[column])
            seen[column] = Track(coasting[row].track_id, motion, at_ms, crowded=crowded, surprised=surprised)
        shown = {track.track_id for track in seen}
        return Tracking(tuple(seen), tuple(track for track in living if track.track_id not in shown))


def free_id(frame_ref: str, number: int, taken: Collection[str]) -> str:
    """The id of a track that begins with this frame's detection `number`.

    A frame that is delivered again may meet the tracks that it began; then a count is put behind the number.
    """
    track_id = f"{frame_ref}.{number}"
    again = 0
    while track_id in taken:
        again += 1
        track_id = f"{frame_ref}.{number}.{again}"
    return track_id


def _costs(
    expected: Sequence[Motion], gaps_s: NDArray[np.float64], detections: Detections
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Distance of each track (rows) to each detection (columns) in face sizes, and which pairs may be joined."""
    boxes = detections.boxes_xyxy_px.astype(np.float64)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    sizes = np.sqrt(np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0).prod(axis=1))
    places = np.array([(m.x_px, m.y_px, m.size_px, m.spread_px) for m in expected]).reshape(-1, 4)
    own_sizes = places[:, 2]
    distances = np.linalg.norm(places[:, None, :2] - centres[None], axis=2) / own_sizes[:, None]
    growths = np.abs(np.log(sizes[None] / own_sizes[:, None]))
    gates = np.clip(_SPREADS * places[:, 3] / own_sizes, _NEAREST_GATE, _WIDEST_GATE)
    allowed = (distances <= gates[:, None]) & (growths <= _SIZE_GATE)
    return distances + _SIZE_WEIGHT * growths + _GAP_WEIGHT * gaps_s[:, None], allowed


def _assign(costs: NDArray[np.float64], allowed: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The allowed pairs of least total cost, each row and each column at most once."""
    rows, columns = linear_sum_assignment(np.where(allowed, costs, _UNMATCHED))
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if allowed[r, c]]


def _crowded(costs: NDArray[np.float64], row: int, column: int) -> bool:
    """Whether another track would have fitted this detection, or another detection this track, nearly as well."""
    limit = costs[row, column] + _CROWD_MARGIN
    return int((costs[row] < limit).sum()) > 1 or int((costs[:, column] < limit).sum()) > 1
