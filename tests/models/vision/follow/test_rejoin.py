from models.types import Quality
from models.vision.follow.portrait import Portrait, View
from models.vision.follow.rejoin import rejoined


def of(vector):
    quality = Quality(0.8, 100, 0.8, 0.0, None)
    return Portrait().with_view(View(vector, quality, "f"), at_ms=0, kept=5)


def test_pairs_each_face_once_at_the_greatest_total(scripted):
    resting = [of(scripted.axis(0)), of(scripted.leaning(0.8, 0, towards=1))]
    newcomers = [of(scripted.leaning(0.8, 0, towards=1)), of(scripted.leaning(0.95, 0, towards=2))]
    assert rejoined(newcomers, resting, least_similarity=0.5) == [(0, 1), (1, 0)]


def test_pairs_nobody_below_the_limit(scripted):
    newcomers, resting = [of(scripted.leaning(0.49, 0))], [of(scripted.axis(0))]
    assert rejoined(newcomers, resting, least_similarity=0.5) == []
    assert rejoined([], resting, least_similarity=0.5) == []
    assert rejoined(newcomers, [], least_similarity=0.5) == []
