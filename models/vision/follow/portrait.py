"""What is remembered of a track's face: its best views and what they add up to. Lives as long as the track."""

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

import numpy as np

from models.types import Float32, Quality
from models.vision.follow.identity import Identity

_LEAST_WEIGHT: Final = 0.05
_COMPARABLE_YAW_DEG: Final = 20.0
_COMPARABLE_SCORE: Final = 0.5
"""Views of one person are surely alike if their heads are turned alike, within this, and neither is worse than this
share of the other. A frontal view and one turned by 25 degrees reach a cosine of 0.2 to 0.7: that may be anybody."""


class Doubt(IntEnum):
    """Whether the last views of a track are surely of the face that is there now."""

    NONE = 0
    CROWDED = 1
    """It came so near to another that they may have changed places; checked once it stands free."""
    SURPRISED = 2
    """It was seen where it was not expected, or after a long gap; nothing is stated before it is checked."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One encoding of a face.

    embedding: float32 (d,), unit length; left out of repr, so that no message can carry it.
    quality: of the face in that frame. frame_ref: the frame.
    """

    embedding: Float32 = field(repr=False)
    quality: Quality
    frame_ref: str


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """What is known of a track's face.

    views: the best, best first; empty before the first encoding.
    contrary: the latest views in a row that contradict them.
    encodings: how many views agreed so far, kept or not.
    encoded_ms: time of the last encoding; encoded_at: frame of the last that agreed; None before the first.
    """

    views: tuple[View, ...] = ()
    contrary: tuple[View, ...] = ()
    encodings: int = 0
    encoded_ms: int | None = None
    encoded_at: str | None = None
    doubt: Doubt = Doubt.NONE
    identity: Identity = field(default_factory=Identity)

    def probe(self) -> Float32:
        """The views as one embedding, float32 (d,), unit length. Raises ValueError without a view.

        The mean weighted by the square of the quality scores: a plain mean lets two poor views outvote a good one.
        """
        if not self.views:
            raise ValueError("no view yet")
        weights = np.array([max(view.quality.score, _LEAST_WEIGHT) for view in self.views], np.float32) ** 2
        mean = weights @ np.stack([view.embedding for view in self.views])
        length = float(np.linalg.norm(mean))
        return self.views[0].embedding if length < 1e-6 else (mean / length).astype(np.float32)

    def agreement(self, embedding: Float32) -> float:
        """Cosine of an embedding to the views so far, -1 to 1."""
        return float(self.probe() @ embedding)

    def comparable(self, quality: Quality) -> bool:
        """Whether a face seen like this would have to look like one of the views, if it is the same."""
        return any(_alike(quality, view.quality) for view in self.views)

    def with_view(self, view: View, *, at_ms: int, kept: int) -> "Portrait":
        """The same and a view that agrees; only the `kept` best stay. Ends doubt and contradiction."""
        views = sorted((*self.views, view), key=lambda each: -each.quality.score)[:kept]
        return replace(
            self,
            views=tuple(views),
            contrary=(),
            encodings=self.encodings + 1,
            encoded_ms=at_ms,
            encoded_at=view.frame_ref,
            doubt=Doubt.NONE,
        )

    def with_contrary(self, view: View, *, at_ms: int) -> "Portrait":
        """The same and a view that contradicts it."""
        return replace(self, contrary=(*self.contrary, view), encoded_ms=at_ms)

    def doubted(self, doubt: Doubt) -> "Portrait":
        """The same with at least that doubt; a face never encoded cannot be doubted."""
        return replace(self, doubt=doubt) if self.views and doubt > self.doubt else self


def _alike(one: Quality, other: Quality) -> bool:
    low, high = sorted((one.score, other.score))
    return abs(one.yaw_deg - other.yaw_deg) <= _COMPARABLE_YAW_DEG and low >= _COMPARABLE_SCORE * high
