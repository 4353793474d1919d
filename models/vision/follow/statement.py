"""What is published about a face: its track's identity, unless something speaks against stating it now."""

from collections.abc import Sequence

from models.types import SIMILARITY_STEP, Match, MatchStatus, Quality
from models.vision.follow.identity import Identity
from models.vision.follow.portrait import Doubt, Portrait


def match(portrait: Portrait, quality: Quality, *, persons: int, withheld: bool) -> Match:
    """The statement about one face.

    A settled identity holds while its track is followed, also where the face has turned away and is rejected; it
    then rests on the frame that was encoded last. It is withheld while the track is in doubt (Doubt.SURPRISED), or
    when another face of the frame bears the name; then, as before it is settled, the face is pending or rejected.
    """
    identity = portrait.identity
    status, person_id = identity.status, identity.person_id
    if withheld or portrait.doubt is Doubt.SURPRISED:
        status, person_id = MatchStatus.PENDING, None
    if status is MatchStatus.PENDING and quality.reject_reason is not None:
        status = MatchStatus.REJECTED
    found = identity.evidence
    if found is None:
        return Match(status, None, None, None, None, persons, None, portrait.encoded_at)
    return Match(
        status,
        person_id,
        _rounded(found.similarity),
        found.threshold,
        _rounded(found.margin),
        persons,
        found.searched,
        found.encoded_at,
    )


def doubles(portraits: Sequence[Portrait]) -> frozenset[int]:
    """The rows whose name another row bears with more right: the greater similarity, at equality the first.

    They are not unknown (one may be the person in a mirror), so they wait. A track in doubt claims no name.
    """
    best: dict[str, int] = {}
    beaten: set[int] = set()
    for row, portrait in enumerate(portraits):
        name = portrait.identity.person_id
        if name is None or portrait.doubt is Doubt.SURPRISED:
            continue
        holder = best.setdefault(name, row)
        if holder == row:
            continue
        weaker = holder if _strength(portrait.identity) > _strength(portraits[holder].identity) else row
        best[name] = row if weaker == holder else holder
        beaten.add(weaker)
    return frozenset(beaten)


def _strength(identity: Identity) -> float:
    similarity = None if identity.evidence is None else identity.evidence.similarity
    return -1.0 if similarity is None else similarity


def _rounded(cosine: float | None) -> float | None:
    """To the nearest SIMILARITY_STEP."""
    return None if cosine is None else round(round(cosine / SIMILARITY_STEP) * SIMILARITY_STEP, 6)
