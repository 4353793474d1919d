"""Which faces of a frame are encoded."""

from collections.abc import Sequence
from enum import IntEnum

from models.types import MatchStatus, Quality
from models.vision.follow.portrait import Doubt, Portrait
from models.vision.follow.settings import FollowSettings
from models.vision.follow.tracker import Track


class Reason(IntEnum):
    """Why a face should be encoded, the most urgent first."""

    DOUBT = 0
    FIRST = 1
    SETTLING = 2
    BETTER = 3
    RECHECK = 4


def reason(
    track: Track, portrait: Portrait, quality: Quality, *, at_ms: int, settings: FollowSettings
) -> Reason | None:
    """Why this face should be encoded now, or None. A rejected face never is."""
    if quality.reject_reason is not None:
        return None
    if portrait.encoded_ms is None:
        return Reason.FIRST
    doubted = portrait.doubt is Doubt.SURPRISED or (portrait.doubt is Doubt.CROWDED and not track.crowded)
    if doubted and portrait.comparable(quality):
        return Reason.DOUBT
    return _due(portrait, quality, at_ms - portrait.encoded_ms, settings)


def choose(reasons: Sequence[Reason | None], qualities: Sequence[Quality], *, limit: int) -> tuple[int, ...]:
    """The rows to encode, at most `limit`, ascending: the most urgent, and among equals the best view."""
    wanted = [(why, -qualities[row].score, row) for row, why in enumerate(reasons) if why is not None]
    return tuple(sorted(row for _, _, row in sorted(wanted)[:limit]))


def _due(portrait: Portrait, quality: Quality, waited_ms: int, settings: FollowSettings) -> Reason | None:
    """The reason to encode a face once more, given how long ago it was encoded last.

    A settled face that is seen too differently to be compared is left alone, unless the view is better.
    """
    if waited_ms < settings.settle_after_ms:
        return None
    comparable = portrait.comparable(quality)
    contradicted = bool(portrait.contrary) or portrait.identity.contrary > 0
    if portrait.identity.status is MatchStatus.PENDING or (contradicted and comparable):
        return Reason.SETTLING
    if _better(portrait, quality, settings):
        return Reason.BETTER
    telling = comparable or portrait.doubt is not Doubt.NONE
    return Reason.RECHECK if telling and waited_ms >= settings.recheck_ms else None


def _better(portrait: Portrait, quality: Quality, settings: FollowSettings) -> bool:
    largest_px = max(view.quality.face_px for view in portrait.views)
    return (
        quality.score >= portrait.views[0].quality.score + settings.better_by
        or quality.face_px >= settings.grown_by * largest_px
    )
