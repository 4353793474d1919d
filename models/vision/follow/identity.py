"""Who a track is, stated with hysteresis: one search more or less does not make a name flicker."""

from dataclasses import dataclass, replace
from typing import Protocol

from models.types import Float32, MatchStatus, Searched, SearchResult
from models.vision.follow.settings import FollowSettings


class Searchable(Protocol):
    """What following needs of a gallery. `revision` changes with each addition and each removal."""

    @property
    def revision(self) -> int:
        """Differs whenever the gallery's content does."""
        ...

    @property
    def size(self) -> int:
        """Persons in the gallery, at once."""
        ...

    def search(self, probe: Float32, *, k: int = 2, exact: bool = False) -> SearchResult:
        """The k best persons for a unit-length probe; `exact` asks the exact scan."""
        ...

    def threshold(self) -> float:
        """The similarity from which a face is matched at the present size."""
        ...

    def __contains__(self, person_id: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """The search that a statement rests on; fields as in models.types.Match, not yet rounded."""

    similarity: float | None
    threshold: float
    margin: float | None
    searched: Searched
    encoded_at: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What is held about a track.

    status: pending, matched or unknown.
    contrary: successive checks, each on a new view, that spoke against the name.
    revision, looked_ms: the gallery's revision and the time at the last search; None before the first.
    """

    status: MatchStatus = MatchStatus.PENDING
    person_id: str | None = None
    evidence: Evidence | None = None
    contrary: int = 0
    revision: int | None = None
    looked_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One question to the gallery.

    enough: the probe combines enough views for a verdict that a single one could not settle.
    clear: its best view is good enough to settle a clear case alone.
    fresh: it holds a view that no earlier look had; only such a look can count against a name.
    """

    probe: Float32
    encoded_at: str
    enough: bool
    clear: bool
    fresh: bool
    at_ms: int


def due(identity: Identity, gallery: Searchable, *, at_ms: int, relook_ms: int) -> bool:
    """Whether the gallery has changed since the last search, and that is long enough ago."""
    if identity.revision is None or identity.looked_ms is None:
        return True
    return identity.revision != gallery.revision and at_ms - identity.looked_ms >= relook_ms


def look(identity: Identity, asked: Look, gallery: Searchable, settings: FollowSettings) -> Identity:
    """The identity after a search.

    An unsettled track asks the exact scan. A settled one rests on the default search while that agrees; when it
    does not, the exact scan has the last word.
    """
    revision, threshold = gallery.revision, gallery.threshold()
    result = gallery.search(asked.probe, k=2, exact=identity.status is MatchStatus.PENDING)
    opinion = _opinion(identity, result, threshold, asked, settings)
    if opinion != (identity.status, identity.person_id) and result.searched is not Searched.EXACT:
        result = gallery.search(asked.probe, k=2, exact=True)
        opinion = _opinion(identity, result, threshold, asked, settings)
    looked = replace(identity, revision=revision, looked_ms=asked.at_ms)
    if identity.status is MatchStatus.MATCHED and opinion != (identity.status, identity.person_id):
        contrary = identity.contrary + asked.fresh
        if contrary < settings.drop_after:
            return replace(looked, contrary=contrary)
    status, person_id = opinion
    evidence = _evidence(result, person_id, threshold, asked.encoded_at)
    return replace(looked, status=status, person_id=person_id, evidence=evidence, contrary=0)


def _opinion(
    identity: Identity, result: SearchResult, threshold: float, asked: Look, settings: FollowSettings
) -> tuple[MatchStatus, str | None]:
    """What this search alone says, given what was held before."""
    best = result.candidates[0] if result.candidates else None
    similarity = -1.0 if best is None else best.similarity
    if identity.status is MatchStatus.MATCHED:
        own = _similarity(result, identity.person_id)
        rival_by = similarity - own
        if own >= threshold - settings.keep_by and rival_by <= settings.keep_by:
            return MatchStatus.MATCHED, identity.person_id
    decisive = asked.enough or asked.clear
    if best is not None and decisive and similarity >= threshold + (0.0 if asked.enough else settings.name_sure_by):
        return MatchStatus.MATCHED, best.person_id
    if decisive and similarity < threshold - (0.0 if asked.enough else settings.unknown_sure_by):
        return MatchStatus.UNKNOWN, None
    return (MatchStatus.UNKNOWN if identity.status is MatchStatus.UNKNOWN else MatchStatus.PENDING), None


def _similarity(result: SearchResult, person_id: str | None) -> float:
    """Similarity of one person among the candidates, -1 if it is none of them."""
    return next((each.similarity for each in result.candidates if each.person_id == person_id), -1.0)


def _evidence(result: SearchResult, person_id: str | None, threshold: float, encoded_at: str) -> Evidence:
    """The figures behind a statement: of the person named, else of the best candidate."""
    if not result.candidates:
        return Evidence(None, threshold, None, result.searched, encoded_at)
    stated = result.candidates[0].person_id if person_id is None else person_id
    similarity = _similarity(result, stated)
    others = [each.similarity for each in result.candidates if each.person_id != stated]
    return Evidence(similarity, threshold, similarity - max(others) if others else None, result.searched, encoded_at)
