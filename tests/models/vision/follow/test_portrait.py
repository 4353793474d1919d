import numpy as np
import pytest

from models.types import Quality
from models.vision.follow.portrait import Doubt, Portrait, View


def seen(score=0.8, yaw_deg=0.0):
    return Quality(score, 100, 0.8, yaw_deg, None)


def view(embedding, score=0.8, ref="f", yaw_deg=0.0):
    return View(embedding, seen(score, yaw_deg), ref)


def filled(*views, kept=5):
    portrait = Portrait()
    for at_ms, each in enumerate(views):
        portrait = portrait.with_view(each, at_ms=at_ms, kept=kept)
    return portrait


def test_weighs_views_by_the_square_of_their_score(scripted):
    probe = filled(view(scripted.axis(0), 0.9), view(scripted.axis(1), 0.3)).probe()
    expected = 0.81 * scripted.axis(0) + 0.09 * scripted.axis(1)
    np.testing.assert_allclose(probe, expected / np.linalg.norm(expected), rtol=1e-6)
    assert probe.dtype == np.float32


def test_is_nearer_to_the_best_view_than_a_plain_mean(scripted):
    best, poor = view(scripted.axis(0), 0.9), [view(scripted.leaning(0.4, 0, towards=n), 0.3) for n in (1, 2, 3)]
    plain = np.mean([each.embedding for each in (best, *poor)], axis=0)
    plain /= np.linalg.norm(plain)
    combined = filled(best, *poor).probe()
    assert float(combined @ scripted.axis(0)) == pytest.approx(0.988, abs=1e-3)
    assert float(plain @ scripted.axis(0)) == pytest.approx(0.811, abs=1e-3)


def test_keeps_the_best_and_counts_all(scripted):
    portrait = filled(*(view(scripted.axis(n), score) for n, score in enumerate((0.5, 0.9, 0.2, 0.7))), kept=2)
    assert [each.quality.score for each in portrait.views] == [0.9, 0.7]
    assert (portrait.encodings, portrait.encoded_ms) == (4, 3)


def test_rests_on_the_last_view_that_agreed(scripted):
    portrait = filled(view(scripted.axis(0), 0.9, "a"), view(scripted.axis(0), 0.5, "b"))
    against = portrait.with_contrary(view(scripted.axis(1), 0.9, "c"), at_ms=9)
    assert (portrait.encoded_at, against.encoded_at, against.encoded_ms) == ("b", "b", 9)
    assert [each.frame_ref for each in against.contrary] == ["c"]
    assert against.with_view(view(scripted.axis(0)), at_ms=10, kept=5).contrary == ()


def test_opposite_views_fall_back_on_the_best(scripted):
    portrait = filled(view(scripted.axis(0), 0.8), view(-scripted.axis(0), 0.8))
    assert np.array_equal(portrait.probe(), scripted.axis(0))


def test_doubt_grows_until_a_view_agrees_and_needs_a_view(scripted):
    assert Portrait().doubted(Doubt.SURPRISED).doubt is Doubt.NONE
    portrait = filled(view(scripted.axis(0))).doubted(Doubt.SURPRISED).doubted(Doubt.CROWDED)
    assert portrait.doubt is Doubt.SURPRISED
    assert portrait.with_view(view(scripted.axis(0)), at_ms=1, kept=5).doubt is Doubt.NONE


@pytest.mark.parametrize(
    ("score", "yaw_deg", "alike"),
    [(0.8, 20.0, True), (0.8, 21.0, False), (0.8, -21.0, False), (0.4, 0.0, True), (0.39, 0.0, False)],
)
def test_only_views_seen_alike_have_to_look_alike(scripted, score, yaw_deg, alike):
    assert filled(view(scripted.axis(0), 0.8)).comparable(seen(score, yaw_deg)) is alike
    assert not Portrait().comparable(seen())
    assert filled(view(scripted.axis(0), 0.8), view(scripted.axis(0), score, "g", yaw_deg)).comparable(
        seen(score, yaw_deg)
    )


def test_has_no_probe_before_the_first_view():
    with pytest.raises(ValueError, match="no view yet"):
        Portrait().probe()


def test_no_text_shows_an_embedding(scripted):
    assert "array" not in repr(filled(view(scripted.axis(0))))
