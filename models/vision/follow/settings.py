"""How faces are followed, when they are encoded, and when an identity is stated."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FollowSettings:
    """Defaults and why; times in milliseconds of the broker's clock, similarities as cosines.

    Tracks
        coast_ms: how long motion alone may find a face again. In one second a walker's guessed place has
            grown as wide as a head; after that only the face itself proves who it is.
        max_gap_ms: after this long out of sight a track and all that is remembered of it end. Long enough
            for a camera's reconnect or a turn behind a pillar; a visitor who returns later is encoded anew.
        max_resting: tracks remembered while out of sight, the latest first: bounds a camera's memory
            in a crowd (a track's views take about 5 kB).
        rejoin_similarity: a new face this like a resting track is that track. 0.5 is the false-match rate of
            1 in 10,000 for the default encoder, so that even 64 resting tracks give under 1 % in all.
        split_similarity, doubt_similarity: a face less like its track than this contradicts it, the second after
            a doubt (a crossing, a jump, a long miss). Pairs of views of one person have a mean of 0.69 and a deviation
            of 0.13, of two persons 0.10 and 0.11; a track's combined views are nearer to its person than a single one.
        contrary_views: contradicting views in a row that part a track in two: one may be a hand before the
            face. After a doubt one is enough; a wrong parting mends itself, since the new part rejoins the old.
    Encodings
        max_encodings_per_frame: 4 faces of 6.7 ms fill a frame's time at 30 frames a second on one core.
        settle_views: views after which a verdict falls that one clear view could not settle. The mean of
            three has most of the gain that many have, and is there within half a second.
        settle_after_ms: between two such views. Frames nearer in time show the same picture again.
        better_by, grown_by: quality score gained over the best view so far, or the face's growth, that make
            a new view worth its cost; at most one each settle_after_ms.
        recheck_ms: between checks of a settled track; nearly all mistakes show themselves by doubt first. Put off
            while the face is seen so differently (turned, blurred) that it would prove nothing.
        views_kept: best views that the track's embedding is made of.
    Identity
        name_sure_by: this far above the threshold one view names a person. The tail of impostor scores falls
            fourteenfold from 0.447 to 0.498, so that a tenth more is surer than any number of views.
        unknown_sure_by: this far below the threshold one view makes an unknown; more than for a name, since
            poor views lower the similarity and never raise it.
        alone_score: a view of less quality settles nothing alone: heads turned by more than 20 degrees look alike.
        keep_by: a name is kept down to this far below the threshold.
        drop_after: successive contradicting checks, each on a new view, that take a name away.
        relook_ms: least time between two searches for one track because the gallery has changed.
        one_track_a_person: at most one face of a frame bears a name. Off where mirrors or screens show people twice.
    """

    coast_ms: int = 1_000
    max_gap_ms: int = 10_000
    max_resting: int = 64
    rejoin_similarity: float = 0.5
    split_similarity: float = 0.25
    doubt_similarity: float = 0.35
    contrary_views: int = 2

    max_encodings_per_frame: int = 4
    settle_views: int = 3
    settle_after_ms: int = 200
    better_by: float = 0.15
    grown_by: float = 1.5
    recheck_ms: int = 3_000
    views_kept: int = 5

    name_sure_by: float = 0.1
    unknown_sure_by: float = 0.15
    alone_score: float = 0.2
    keep_by: float = 0.05
    drop_after: int = 3
    relook_ms: int = 250
    one_track_a_person: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be meant. Raises ValueError."""
        for name in ("coast_ms", "max_gap_ms", "max_resting", "settle_after_ms", "recheck_ms", "relook_ms"):
            _require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        for name in ("contrary_views", "max_encodings_per_frame", "settle_views", "views_kept", "drop_after"):
            _require(getattr(self, name) >= 1, name, "1 or more", getattr(self, name))
        _require(self.coast_ms <= self.max_gap_ms, "coast_ms", f"at most max_gap_ms ({self.max_gap_ms})", self.coast_ms)
        for name in ("split_similarity", "doubt_similarity"):
            found = getattr(self, name)
            _require(-1 <= found < self.rejoin_similarity <= 1, name, "-1 to below rejoin_similarity", found)


def _require(holds: bool, name: str, wanted: str, found: float) -> None:
    if not holds:
        raise ValueError(f"{name}: expected {wanted}, found {found}")
