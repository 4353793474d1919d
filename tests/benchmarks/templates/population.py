"""Whose embeddings are evaluated: drawn ones with the statistics of real faces, and real ones where there are some.

Drawn: a person is a direction, a picture of the person another one near by. All share a mean direction, as faces do
whose encoder was trained on other people, and the rest has a falling spectrum; both were set so that the cosines
between pictures have the mean and the deviation that SFace's have on 420 photographs of 49 people: 0.69 and 0.13 of
one person, 0.10 and 0.11 of two. What they do not have is the real ones' shape beyond that (Gaussian draws know no
skewness), which is why real pictures are welcome: FACESTREAMS_BENCH_FACES names a directory with one folder a person.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

DIMENSION: Final = 128
MEAN_OF_OTHERS: Final = 0.10
VIEW_MEAN, VIEW_DEVIATION = 0.83, 0.115
"""Of the cosine between a person's direction and a picture: 0.83 squared is the mean between two pictures."""

SPECTRUM_FALL: Final = 3.3
"""The last direction has exp(-3.3) of the first one's variance: 70 equal directions would spread impostors alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """embeddings: float64 (persons, views, d) of unit length. name: for the tables."""

    name: str
    embeddings: Float64

    @property
    def persons(self) -> int:
        """How many there are."""
        return len(self.embeddings)

    def views(self) -> Float64:
        """All pictures, float64 (persons x views, d), person after person."""
        return self.embeddings.reshape(-1, self.embeddings.shape[2])


def drawn(persons: int, views: int, seed: int) -> Population:
    """Embeddings with the statistics above; the same for the same numbers."""
    rng = np.random.default_rng(seed)
    shared = np.sqrt(MEAN_OF_OTHERS) / VIEW_MEAN
    own = _unit(_rest(rng, persons))
    directions = np.concatenate([np.full((persons, 1), shared), own * np.sqrt(1 - shared**2)], axis=1)[:, np.newaxis]
    apart = np.concatenate([np.zeros((persons, views, 1)), _rest(rng, persons, views)], axis=2)
    apart = _unit(apart - (apart * directions).sum(axis=2, keepdims=True) * directions)
    nearness = np.clip(rng.normal(VIEW_MEAN, VIEW_DEVIATION, (persons, views, 1)), 0, 0.99)
    return Population(f"{persons} drawn persons", nearness * directions + np.sqrt(1 - nearness**2) * apart)


def scores(compared: Float64) -> tuple[Float64, Float64]:
    """From scores of every picture with every other, (persons, views, persons, views): mated and non-mated ones.

    Where both sides are the same pictures, a picture is not compared with itself: only the later views of a person
    are taken, and only later persons.
    """
    persons, views = compared.shape[:2]
    one, other = np.triu_indices(views, 1)
    mated = compared[np.arange(persons)[:, np.newaxis], one, np.arange(persons)[:, np.newaxis], other]
    first, second = np.triu_indices(persons, 1)
    return mated.ravel(), compared.transpose(0, 2, 1, 3)[first, second].ravel()


def _rest(rng: np.random.Generator, *shape: int) -> Float64:
    falling = np.exp(-SPECTRUM_FALL * np.arange(DIMENSION - 1) / (DIMENSION - 1))
    return rng.standard_normal((*shape, DIMENSION - 1)) * np.sqrt(falling)


def _unit(vectors: Float64) -> Float64:
    lengths: Float64 = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths
