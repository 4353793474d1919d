import pytest

from models.types import Match, MatchStatus, RejectReason, Searched
from models.vision.follow.identity import Evidence, Identity
from models.vision.follow.portrait import Doubt, Portrait
from models.vision.follow.statement import doubles, match

MATCHED, PENDING, REJECTED, UNKNOWN = (
    MatchStatus.MATCHED,
    MatchStatus.PENDING,
    MatchStatus.REJECTED,
    MatchStatus.UNKNOWN,
)


def named(similarity, name="ada", doubt=Doubt.NONE):
    evidence = Evidence(similarity, 0.42, 0.30499, Searched.HNSW, "f3")
    return Portrait(encoded_at="f3", doubt=doubt, identity=Identity(MATCHED, name, evidence))


def test_figures_are_rounded_to_the_step(scripted):
    found = match(named(0.71499), scripted.quality(), persons=6, withheld=False)
    assert found == Match(MATCHED, "ada", 0.71, 0.42, 0.3, 6, Searched.HNSW, "f3")


def test_before_the_first_search_there_are_no_figures(scripted):
    found = match(Portrait(), scripted.quality(), persons=6, withheld=False)
    assert found == Match(PENDING, None, None, None, None, 6, None, None)


@pytest.mark.parametrize(
    ("doubt", "withheld", "reject", "status"),
    [
        (Doubt.NONE, False, RejectReason.TURNED, MATCHED),
        (Doubt.CROWDED, False, None, MATCHED),
        (Doubt.SURPRISED, False, None, PENDING),
        (Doubt.SURPRISED, False, RejectReason.TURNED, REJECTED),
        (Doubt.NONE, True, None, PENDING),
        (Doubt.NONE, True, RejectReason.TURNED, REJECTED),
    ],
)
def test_a_settled_name_holds_unless_something_speaks_against_it(scripted, doubt, withheld, reject, status):
    found = match(named(0.7, doubt=doubt), scripted.quality(reject=reject), persons=6, withheld=withheld)
    assert (found.status, found.person_id) == (status, "ada" if status is MATCHED else None)
    assert found.similarity == 0.7


def test_unknown_holds_for_a_face_that_turns_away_and_pending_does_not(scripted):
    turned = scripted.quality(reject=RejectReason.TURNED)
    unknown, pending = Portrait(identity=Identity(UNKNOWN)), Portrait()
    assert match(unknown, turned, persons=0, withheld=False).status is UNKNOWN
    assert match(pending, turned, persons=0, withheld=False).status is REJECTED


def test_of_faces_with_one_name_the_best_bears_it():
    assert doubles([named(0.6), named(0.8), named(0.7), named(0.5, "ben"), Portrait()]) == {0, 2}
    assert doubles([named(0.6), named(0.6)]) == {1}
    assert doubles([]) == frozenset()


def test_a_track_in_doubt_claims_no_name():
    assert doubles([named(0.9, doubt=Doubt.SURPRISED), named(0.6)]) == frozenset()
