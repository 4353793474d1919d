"""What published similarities give away, by the step to which they are rounded, and what the rounding costs.

The attacker may show the system whatever embedding he likes, and reads the similarity to one stored person: more than
a camera gives him, who must first find a picture for each embedding. `solving` shows random probes and solves for the
vector that gives the scores (they are linear in the probe); `climbing` changes its best probe a little and keeps
what scores higher (hill climbing, Soutar 2002).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tests.benchmarks.templates.population import DIMENSION, Float64, Population, drawn, scores
from tests.benchmarks.templates.strings import Keyed, random_secrets

STRIDE: Final = 0.15
"""Length of a change of a climber's probe, which has length 1."""

LEAST_NOISE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Climb:
    """step: of the published similarity; 0: not rounded. cosine: to the stored embedding, mean over the targets."""

    way: str
    step: float
    queries: int
    cosine: float


@dataclass(frozen=True, slots=True)
class Use:
    """What a reader of published scores loses who sets a threshold of his own.

    false_match_rate: the one farthest from 0.001 that a threshold meant for 0.001 may have.
    true_match_lost: the largest change of the true match rate.
    """

    step: float
    false_match_rate: float
    true_match_lost: float


def climbs(steps: tuple[float, ...], queries: tuple[int, ...], targets: int, seed: int) -> list[Climb]:
    """Both ways at each step and number of queries."""
    people = drawn(targets, 1, seed).views()
    keyed = Keyed(random_secrets(seed, 1)[0])
    stored = keyed.derived(keyed.signs(people))
    found = []
    for step in steps:
        for count in queries:
            solved = solving(stored, step, count, seed)
            found.append(Climb("solving", step, count, _cosine(solved, people)))
        for count, climbed in climbing(stored, step, queries, seed).items():
            found.append(Climb("climbing", step, count, _cosine(climbed, people)))
    return found


def solving(stored: Float64, step: float, queries: int, seed: int) -> Float64:
    """The vectors (n, d) that give the published scores of `queries` random probes with the least error."""
    probes = np.random.default_rng((seed, queries)).standard_normal((queries, DIMENSION))
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    told = published(probes @ stored.T, step)
    noise = max(LEAST_NOISE, step**2 / 12)  # the variance of what rounding takes away
    gram = probes.T @ probes + noise * DIMENSION * np.eye(DIMENSION)
    return np.linalg.solve(gram, probes.T @ told).T


def climbing(stored: Float64, step: float, queries: tuple[int, ...], seed: int) -> dict[int, Float64]:
    """The best probes (n, d), one a target, after each number of queries."""
    rng = np.random.default_rng((seed, 1))
    best = _unit(rng.standard_normal(stored.shape))
    score = published((best * stored).sum(axis=1), step)
    reached = {}
    for count in range(1, max(queries) + 1):
        tried = _unit(best + STRIDE * _unit(rng.standard_normal(stored.shape)))
        told = published((tried * stored).sum(axis=1), step)
        # an equal score is taken: a climber on level ground must move to find the next rise
        better = told >= score
        best = np.where(better[:, np.newaxis], tried, best)
        score = np.where(better, told, score)
        if count in queries:
            reached[count] = best
    return reached


def published(similarity: Float64, step: float) -> Float64:
    """To the nearest multiple of `step`; as it is with 0."""
    return np.round(similarity / step) * step if step else similarity


def use(population: Population, steps: tuple[float, ...], seed: int) -> list[Use]:
    """False matches of rounded scores at the threshold that gives exact ones a rate of 0.1 %, and matches lost."""
    keyed = Keyed(random_secrets(seed, 1)[0])
    probes = population.views()
    persons, views = population.embeddings.shape[:2]
    compared = probes @ keyed.derived(keyed.signs(probes)).T
    mated, others = scores(compared.reshape(persons, views, persons, views))
    # one threshold may fall well between two steps and another badly: the mean over thresholds near by
    limits = np.quantile(others, 0.999) + np.linspace(-0.05, 0.05, 41)
    exact = np.array([(others >= limit).mean() for limit in limits])
    found = []
    for step in steps:
        coarse, right = published(others, step), published(mated, step)
        ratio = np.array([(coarse >= limit).mean() for limit in limits]) / exact
        lost = [(mated >= limit).mean() - (right >= limit).mean() for limit in limits]
        found.append(Use(step, float(0.001 * np.maximum(ratio, 1 / ratio).max()), float(np.abs(lost).max())))
    return found


def _cosine(found: Float64, people: Float64) -> float:
    return float((_unit(found) * people).sum(axis=1).mean())


def _unit(vectors: Float64) -> Float64:
    lengths: Float64 = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths
