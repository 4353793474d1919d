from dataclasses import replace

import pytest

from models.types import MatchStatus, Searched
from models.vision.follow.identity import Evidence, Identity, Look, due, look
from models.vision.follow.settings import FollowSettings

SETTINGS = FollowSettings()
PENDING, MATCHED, UNKNOWN = MatchStatus.PENDING, MatchStatus.MATCHED, MatchStatus.UNKNOWN


@pytest.fixture
def gallery(scripted):
    """Ada on axis 0, ben on axis 1; threshold 0.5."""
    return scripted.FakeGallery({"ada": scripted.axis(0), "ben": scripted.axis(1)})


@pytest.fixture
def ask(scripted, gallery):
    def ask(identity, cosine, number=0, enough=False, clear=True, fresh=True, towards=9, at_ms=100):
        probe = scripted.leaning(cosine, number, towards)
        return look(identity, Look(probe, "f7", enough, clear, fresh, at_ms), gallery, SETTINGS)

    return ask


def named(name="ada", contrary=0):
    return Identity(MATCHED, name, Evidence(0.8, 0.5, 0.8, Searched.EXACT, "f1"), contrary, 1, 0)


@pytest.mark.parametrize(
    ("cosine", "enough", "status", "person_id"),
    [
        (0.61, False, MATCHED, "ada"),
        (0.59, False, PENDING, None),
        (0.51, True, MATCHED, "ada"),
        (0.49, True, UNKNOWN, None),
        (0.36, False, PENDING, None),
        (0.34, False, UNKNOWN, None),
    ],
)
def test_one_clear_view_settles_and_others_wait_for_enough(ask, gallery, cosine, enough, status, person_id):
    found = ask(Identity(), cosine, enough=enough)
    assert (found.status, found.person_id) == (status, person_id)
    assert gallery.asked == ["exact"]
    assert found.evidence == Evidence(pytest.approx(cosine), 0.5, pytest.approx(cosine), Searched.EXACT, "f7")
    assert (found.revision, found.looked_ms) == (1, 100)


@pytest.mark.parametrize("cosine", [0.9, 0.1])
def test_a_poor_view_settles_nothing_alone(ask, cosine):
    assert ask(Identity(), cosine, clear=False).status is PENDING
    assert ask(Identity(), cosine, clear=False, enough=True).status is not PENDING


def test_an_empty_gallery_knows_nobody_at_once(ask, gallery):
    gallery.people.clear()
    found = ask(Identity(), 1.0)
    assert (found.status, found.evidence) == (UNKNOWN, Evidence(None, 0.5, None, Searched.EXACT, "f7"))


def test_a_recheck_that_agrees_rests_on_the_default_search(ask, gallery):
    found = ask(named(), 0.7)
    assert (found.status, found.person_id, found.evidence.searched) == (MATCHED, "ada", Searched.HNSW)
    assert gallery.asked == ["hnsw"]


def test_a_miss_of_the_default_search_is_no_evidence(ask, gallery):
    gallery.blind.add("ada")
    found = ask(named(contrary=2), 0.7)
    assert (found.person_id, found.contrary, found.evidence.searched) == ("ada", 0, Searched.EXACT)
    assert gallery.asked == ["hnsw", "exact"]


def test_a_name_is_kept_a_little_below_the_threshold(ask):
    assert ask(named(), 0.46, enough=True).contrary == 0
    assert ask(named(), 0.44, enough=True).contrary == 1


def test_a_name_is_dropped_only_after_sustained_contrary_evidence_and_by_the_exact_scan(ask, gallery):
    first = ask(named(), 0.2, enough=True)
    second = ask(first, 0.2, enough=True)
    assert [(each.status, each.person_id, each.contrary) for each in (first, second)] == [
        (MATCHED, "ada", 1),
        (MATCHED, "ada", 2),
    ]
    assert second.evidence == named().evidence
    third = ask(second, 0.2, enough=True)
    assert (third.status, third.person_id, third.evidence.searched) == (UNKNOWN, None, Searched.EXACT)
    assert gallery.asked == ["hnsw", "exact"] * 3


def test_evidence_that_agrees_again_starts_the_count_anew(ask):
    assert ask(ask(ask(named(), 0.2, enough=True), 0.7), 0.2, enough=True).contrary == 1


def test_a_look_without_a_new_view_does_not_count_against_a_name(ask):
    found = ask(named(contrary=2), 0.2, enough=True, fresh=False)
    assert (found.person_id, found.contrary) == ("ada", 2)


def test_a_name_changes_after_sustained_evidence_for_another(ask):
    found = named()
    names = []
    for _ in range(3):
        found = ask(found, 0.9, number=1, enough=True, towards=0)
        names.append(found.person_id)
    assert names == ["ada", "ada", "ben"]
    assert found.evidence.margin == pytest.approx(0.9 - 0.4359, abs=1e-4)


def test_a_rival_that_is_hardly_better_changes_nothing(ask):
    found = ask(named(), 0.72, number=1, enough=True, towards=0)
    assert (found.person_id, found.contrary) == ("ada", 0)
    assert found.evidence.similarity == pytest.approx(0.694, abs=1e-3)
    assert found.evidence.margin == pytest.approx(0.694 - 0.72, abs=1e-3)


def test_an_unknown_becomes_known_by_the_exact_scan_and_does_not_fall_back_to_pending(ask, gallery):
    unknown = replace(Identity(UNKNOWN), revision=1, looked_ms=0)
    assert ask(unknown, 0.55).status is UNKNOWN
    assert gallery.asked == ["hnsw"]
    found = ask(unknown, 0.55, enough=True)
    assert (found.person_id, found.evidence.searched) == ("ada", Searched.EXACT)


def test_the_margin_needs_a_second_person(ask, gallery, scripted):
    gallery.forget("ben")
    assert ask(Identity(), 0.8).evidence.margin is None


def test_a_look_is_due_first_and_then_when_the_gallery_changed_but_not_too_often(gallery):
    looked = replace(Identity(UNKNOWN), revision=1, looked_ms=1_000)
    assert due(Identity(), gallery, at_ms=0, relook_ms=250)
    assert not due(looked, gallery, at_ms=9_000, relook_ms=250)
    gallery.revision = 2
    assert not due(looked, gallery, at_ms=1_249, relook_ms=250)
    assert due(looked, gallery, at_ms=1_250, relook_ms=250)
