"""How similar a face must be to be matched, by the number of features it is compared with."""

from statistics import NormalDist

_STANDARD = NormalDist()


def threshold(
    features: int, *, impostor_mean: float, impostor_deviation: float, false_positive_rate: float = 0.01
) -> float:
    """The similarity that a stranger's best score passes with probability `false_positive_rate`.

    threshold = m + s z(1 - q / N): m and s are mean and deviation of the scores between different people, z the
    normal quantile, q the target rate of false positive identifications, N the number of features. N of 0 counts
    as 1: with one feature to be taken for, there is nothing to share q with.

    It is an extrapolation: m and s are measured on some ten thousand pairs, and the tail from which a large gallery
    is judged lies beyond what they show; people who look alike have a heavier tail than the normal one.
    Raises ValueError unless 0 < q < 1, s > 0 and N >= 0.
    """
    if not 0 < false_positive_rate < 1 or impostor_deviation <= 0 or features < 0:
        raise ValueError(
            f"expected a rate between 0 and 1, a positive deviation and no fewer than 0 features, "
            f"found {false_positive_rate}, {impostor_deviation} and {features}"
        )
    # -z(q/N) rather than z(1 - q/N): the same by symmetry, and exact where q/N vanishes beside 1
    return impostor_mean - impostor_deviation * _STANDARD.inv_cdf(false_positive_rate / max(features, 1))
