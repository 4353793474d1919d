import pytest

from models.gallery.thresholds import threshold

SFACE = {"impostor_mean": 0.10, "impostor_deviation": 0.11}


@pytest.mark.parametrize(("features", "expected"), [(6, 0.42), (1_000, 0.57), (10_000, 0.62)])
def test_figures_of_the_design(features: int, expected: float) -> None:
    assert round(threshold(features, **SFACE), 2) == expected


def test_no_feature_counts_as_one() -> None:
    assert threshold(0, **SFACE) == threshold(1, **SFACE) == pytest.approx(0.10 + 0.11 * 2.3263479)


def test_grows_with_the_gallery_and_falls_with_the_rate() -> None:
    sizes = [threshold(n, **SFACE) for n in (1, 2, 10, 10**3, 10**6, 10**12)]
    assert sizes == sorted(set(sizes))
    assert threshold(100, **SFACE, false_positive_rate=0.001) > threshold(100, **SFACE, false_positive_rate=0.1)


@pytest.mark.parametrize(
    "wrong",
    [{"false_positive_rate": 0.0}, {"false_positive_rate": 1.0}, {"impostor_deviation": 0.0}, {"features": -1}],
)
def test_refuses_what_makes_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected a rate"):
        threshold(**({"features": 6} | SFACE | wrong))
