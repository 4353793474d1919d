"""Follow: tracks, the faces to encode, what their encodings say about the tracks, and what is stated.

Three steps a frame, each from frozen values to frozen values, so that a frame that fails leaves nothing behind:
`follow` (which tracks are here, which faces to encode), `learn` (their embeddings), `state` (who they are).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from models.types import Detections, Float32, Match, MatchStatus, Quality
from models.vision.follow import schedule, statement
from models.vision.follow.identity import Identity, Look, Searchable, due, look
from models.vision.follow.portrait import Doubt, Portrait, View
from models.vision.follow.rejoin import rejoined
from models.vision.follow.settings import FollowSettings
from models.vision.follow.tracker import Track, Tracker, free_id


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is remembered of one camera between two frames.

    at_ms: time of the last frame; None before the first.
    tracks: seen in the last frame or resting. portraits: one for each of them, by track id.
    gallery: the one that the identities were found in.
    """

    at_ms: int | None = None
    tracks: tuple[Track, ...] = ()
    portraits: Mapping[str, Portrait] = field(default_factory=dict)
    gallery: Searchable | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One frame on its way through the steps.

    seen: the track of each detection, in their order. resting: tracks out of sight.
    portraits: one for each of both, by track id. rows: detections to encode, ascending.
    fresh: ids of tracks that gained a view in this frame, and not against them.
    """

    frame_ref: str
    at_ms: int
    qualities: tuple[Quality, ...]
    seen: tuple[Track, ...]
    resting: tuple[Track, ...]
    portraits: Mapping[str, Portrait]
    rows: tuple[int, ...]
    gallery: Searchable | None
    fresh: frozenset[str] = frozenset()


class Follower:
    """Follows the faces of any number of cameras; keeps nothing of them itself."""

    def __init__(self, tracker: Tracker, settings: FollowSettings) -> None:
        self._tracker = tracker
        self._settings = settings

    def follow(
        self, scene: Scene, detections: Detections, qualities: Sequence[Quality], *, frame_ref: str, at_ms: int
    ) -> Moment:
        """Join the detections to tracks and choose the faces to encode.

        A clock that steps back stands still until it has caught up; one that steps back by more than max_gap_ms
        is another clock, and the scene begins anew.
        """
        before_ms = at_ms if scene.at_ms is None else scene.at_ms
        if before_ms - at_ms > self._settings.max_gap_ms:
            scene = Scene()
        else:
            at_ms = max(at_ms, before_ms)
        tracking = self._tracker.update(scene.tracks, detections, frame_ref=frame_ref, at_ms=at_ms)
        portraits = {
            track.track_id: scene.portraits.get(track.track_id, Portrait()) for track in tracking.seen + tracking.missed
        }
        for track in tracking.seen:
            portraits[track.track_id] = portraits[track.track_id].doubted(_doubt(track))
        reasons = [
            schedule.reason(track, portraits[track.track_id], quality, at_ms=at_ms, settings=self._settings)
            for track, quality in zip(tracking.seen, qualities, strict=True)
        ]
        rows = schedule.choose(reasons, qualities, limit=self._settings.max_encodings_per_frame)
        return Moment(
            frame_ref, at_ms, tuple(qualities), tracking.seen, tracking.missed, portraits, rows, scene.gallery
        )

    def learn(self, moment: Moment, embeddings: Float32) -> Moment:
        """Give each encoded face to its track; part tracks that turn out to hold two, join those that are one.

        embeddings: float32 (len(moment.rows), d), unit length.
        """
        seen, resting, portraits = list(moment.seen), list(moment.resting), dict(moment.portraits)
        for row, embedding in zip(moment.rows, embeddings, strict=True):
            view = View(embedding, moment.qualities[row], moment.frame_ref)
            track = seen[row]
            portrait = self._with(portraits[track.track_id], view, moment.at_ms)
            if self._is_another(portrait):
                portraits[track.track_id] = replace(portrait, contrary=(), doubt=Doubt.NONE)
                resting.append(self._unseen(track, moment.at_ms))
                track = seen[row] = replace(track, track_id=free_id(moment.frame_ref, row, portraits))
                portrait = self._begun(portrait.contrary, moment.at_ms)
            portraits[track.track_id] = portrait
        self._rejoin(moment.rows, seen, resting, portraits)
        resting = sorted(resting, key=lambda each: -each.seen_ms)[: self._settings.max_resting]
        kept = {track.track_id: portraits[track.track_id] for track in (*seen, *resting)}
        learned = (seen[row].track_id for row in moment.rows)
        fresh = frozenset(track_id for track_id in learned if not kept[track_id].contrary)
        return replace(moment, seen=tuple(seen), resting=tuple(resting), portraits=kept, fresh=fresh)

    def state(self, moment: Moment, gallery: Searchable) -> tuple[tuple[Match, ...], Scene]:
        """What is stated about each detection, in their order, and the scene for the next frame.

        Identities found in another gallery are not carried over; the views are, so that nobody needs encoding again.
        """
        portraits = {
            track_id: self._forgotten(portrait, gallery, same_gallery=gallery is moment.gallery)
            for track_id, portrait in moment.portraits.items()
        }
        for track in moment.seen:
            portraits[track.track_id] = self._looked(track.track_id, portraits[track.track_id], moment, gallery)
        here = [portraits[track.track_id] for track in moment.seen]
        withheld = statement.doubles(here) if self._settings.one_track_a_person else frozenset[int]()
        matches = tuple(
            statement.match(portrait, quality, persons=gallery.size, withheld=row in withheld)
            for row, (portrait, quality) in enumerate(zip(here, moment.qualities, strict=True))
        )
        return matches, Scene(moment.at_ms, moment.seen + moment.resting, portraits, gallery)

    def _with(self, portrait: Portrait, view: View, at_ms: int) -> Portrait:
        """The portrait with a new view, on whichever side it falls.

        Without a doubt, a face seen so differently that it need not look the same contradicts nothing.
        """
        least = self._settings.doubt_similarity if portrait.doubt else self._settings.split_similarity
        telling = portrait.doubt or portrait.comparable(view.quality)
        if portrait.views and telling and portrait.agreement(view.embedding) < least:
            return portrait.with_contrary(view, at_ms=at_ms)
        return portrait.with_view(view, at_ms=at_ms, kept=self._settings.views_kept)

    def _is_another(self, portrait: Portrait) -> bool:
        """Whether the face that is there now is not the one that the track began with."""
        needed = 1 if portrait.doubt else self._settings.contrary_views
        return len(portrait.contrary) >= needed

    def _begun(self, views: Sequence[View], at_ms: int) -> Portrait:
        """The portrait of a track that begins with these views."""
        portrait = Portrait()
        for view in views:
            portrait = portrait.with_view(view, at_ms=at_ms, kept=self._settings.views_kept)
        return portrait

    def _unseen(self, track: Track, at_ms: int) -> Track:
        """A track whose place another face has taken: only its face can bring it back, not that place."""
        return replace(track, seen_ms=min(track.seen_ms, at_ms - self._settings.coast_ms - 1))

    def _rejoin(
        self, rows: Sequence[int], seen: list[Track], resting: list[Track], portraits: dict[str, Portrait]
    ) -> None:
        """Give tracks of which nothing has been stated yet the ids of lost ones with the same face."""
        young = [
            row
            for row in rows
            if (mine := portraits[seen[row].track_id]).identity.status is MatchStatus.PENDING and not mine.contrary
        ]
        lost = [track for track in resting if portraits[track.track_id].views]
        pairs = rejoined(
            [portraits[seen[row].track_id] for row in young],
            [portraits[track.track_id] for track in lost],
            least_similarity=self._settings.rejoin_similarity,
        )
        for newcomer, found in pairs:
            row, old = young[newcomer], lost[found]
            gained = portraits.pop(seen[row].track_id)
            portrait = portraits[old.track_id]
            for view in gained.views:
                portrait = portrait.with_view(view, at_ms=gained.encoded_ms or 0, kept=self._settings.views_kept)
            portraits[old.track_id] = replace(portrait, encoded_at=gained.encoded_at)
            seen[row] = replace(seen[row], track_id=old.track_id)
            resting.remove(old)

    def _forgotten(self, portrait: Portrait, gallery: Searchable, *, same_gallery: bool) -> Portrait:
        """Drop an identity of another gallery, and a name that this one does not hold any more, at once."""
        name = portrait.identity.person_id
        if same_gallery and (name is None or name in gallery):
            return portrait
        return replace(portrait, identity=Identity())

    def _looked(self, track_id: str, portrait: Portrait, moment: Moment, gallery: Searchable) -> Portrait:
        """Ask the gallery where there is a new view, or where it has changed since it was asked."""
        fresh = track_id in moment.fresh
        changed = due(portrait.identity, gallery, at_ms=moment.at_ms, relook_ms=self._settings.relook_ms)
        if portrait.encoded_at is None or not (fresh or changed):
            return portrait
        asked = Look(
            portrait.probe(),
            portrait.encoded_at,
            enough=portrait.encodings >= self._settings.settle_views,
            clear=portrait.views[0].quality.score >= self._settings.alone_score,
            fresh=fresh,
            at_ms=moment.at_ms,
        )
        return replace(portrait, identity=look(portrait.identity, asked, gallery, self._settings))


def _doubt(track: Track) -> Doubt:
    if track.surprised:
        return Doubt.SURPRISED
    return Doubt.CROWDED if track.crowded else Doubt.NONE
