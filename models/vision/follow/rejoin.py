"""Which faces that seem new are tracks that were lost."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from models.vision.follow.portrait import Portrait


def rejoined(
    newcomers: Sequence[Portrait], resting: Sequence[Portrait], *, least_similarity: float
) -> list[tuple[int, int]]:
    """Pairs (newcomer, resting) of the same face, each at most once, at the greatest total similarity.

    All portraits have a view. A pair below `least_similarity` is never formed.
    """
    if not newcomers or not resting:
        return []
    similarities = np.stack([each.probe() for each in newcomers]) @ np.stack([each.probe() for each in resting]).T
    rows, columns = linear_sum_assignment(-np.where(similarities >= least_similarity, similarities, 0.0))
    return [
        (int(row), int(column))
        for row, column in zip(rows, columns, strict=True)
        if similarities[row, column] >= least_similarity
    ]
