"""How near an attacker comes to an embedding, by what has come into his hands.

He knows the program, the encoder and faces in general: the mean and the covariance of embeddings, from pictures of his
own. In ascending order of what else he has:

- nothing: he says the mean face;
- strings alone: no better than the mean face, as far as we know. Equal and near persons show (within one key strings
  keep distances), and many strings give the frame up to a rotation. Whoever finds that rotation in the finer shape of
  the distribution of faces needs no pair: we did not try, and drawn embeddings would prove nothing of it;
- k known pairs of embedding and string, of one key: `least_squares` learns the frame row by row; `by_distances` reads
  off the strings how near the target is to each known person (as Lai, Jin, Wong and Tistarelli, Efficient Known-Sample
  Attack for Distance-Preserving Hashing Biometric Template Protection Schemes, IEEE TIFS 16, 2021); `by_rows` learns
  each row as a half-space (logistic regression) and then looks for the vector that the signs agree with;
- the key: `derive` as we do it ourselves, and the vector that all signs agree with (binary iterative hard thresholding
  without sparsity, Jacques et al., IEEE Transactions on Information Theory 59(4), 2013).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from tests.benchmarks.templates.population import Float64, drawn
from tests.benchmarks.templates.strings import Keyed, agreement, cosine_of, random_secrets

RIDGE: Final = 0.01
DISTANCE_NOISE: Final = 0.045
"""Deviation of a cosine that is read off 1024 agreeing bits."""

ROUNDS, STEP, MOMENTUM = 200, 20.0, 0.9
AGREEING_ROUNDS: Final = 30


@dataclass(frozen=True, slots=True, eq=False)
class Leak:
    """What the attacker holds: embeddings (k, d) with their signs (k, bits), and the signs (n, bits) of the targets.

    mean (d,), covariance (d, d): of faces in general.
    """

    known: Float64
    known_signs: Float64
    target_signs: Float64
    mean: Float64
    covariance: Float64


@dataclass(frozen=True, slots=True)
class Reach:
    """How near the attack came.

    cosine: to the embedding that was stored, mean. accepted: share of targets whose stored string takes the
    approximation for its person at the threshold. elsewhere: the same for another picture of the person that is
    stored under another key, with a frame and a data key that the attacker has nothing of.
    """

    attack: str
    pairs: int | None
    cosine: float
    accepted: float
    elsewhere: float


def least_squares(leak: Leak) -> Float64:
    """The frame that maps the known embeddings to their signs with the least error, and its transpose on the target."""
    return leak.target_signs @ _least_squares_rows(leak)


def by_distances(leak: Leak) -> Float64:
    """The likeliest vector (Gaussian) at the cosines to the known persons that the strings tell."""
    told = cosine_of(agreement(leak.target_signs.astype(np.float32), leak.known_signs.astype(np.float32)))
    spread = leak.known @ leak.covariance
    gram = spread @ leak.known.T + DISTANCE_NOISE**2 * np.eye(len(leak.known))
    return leak.mean + (told - leak.known @ leak.mean) @ np.linalg.solve(gram, spread)


def by_rows(leak: Leak) -> Float64:
    """Each row of the frame by logistic regression, then the vector that the target's signs agree with."""
    pairs = len(leak.known)
    rows = _least_squares_rows(leak)
    rows *= 8 / np.linalg.norm(rows, axis=1, keepdims=True)
    speed = np.zeros_like(rows)
    for _ in range(ROUNDS):
        doubt = 1 / (1 + np.exp(np.clip(leak.known_signs * (leak.known @ rows.T), -30, 30)))
        slope = (0.3 / 8 * rows - (leak.known_signs * doubt).T @ leak.known) / pairs
        speed = MOMENTUM * speed - STEP * slope
        rows = rows + speed
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return agreeing(rows, leak.target_signs, leak.target_signs @ rows, rounds=10)


def agreeing(rows: Float64, signs: Float64, start: Float64, *, rounds: int = AGREEING_ROUNDS) -> Float64:
    """From `start` (n, d) towards unit vectors whose sides of the rows (unit length) are the signs (n, bits)."""
    found = start / np.linalg.norm(start, axis=1, keepdims=True)
    for _ in range(rounds):
        wrong = signs * np.maximum(0, -signs * (found @ rows.T))
        found = found + wrong @ rows * (rows.shape[1] / len(rows))
        found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


WITH_PAIRS: Final[Mapping[str, Callable[[Leak], Float64]]] = MappingProxyType(
    {"least squares": least_squares, "by distances": by_distances, "by rows": by_rows}
)


def reach(pairs: tuple[int, ...], targets: int, threshold: float, seed: int) -> list[Reach]:
    """Every attack, on drawn persons: with nothing, with each number of pairs, and with the key."""
    people = drawn(max(pairs) + targets, 2, seed)
    own = drawn(3000, 1, seed + 1).views()
    keyed, elsewhere = (Keyed(secret) for secret in random_secrets(seed, 2))
    known, target = people.embeddings[:-targets, 0], people.embeddings[-targets:, 0]
    signs = keyed.signs(target)
    stored = keyed.derived(signs), elsewhere.derived(elsewhere.signs(people.embeddings[-targets:, 1]))

    def judged(attack: str, count: int | None, found: Float64) -> Reach:
        found = found / np.linalg.norm(found, axis=1, keepdims=True)
        here, there = (float(((found * vectors).sum(axis=1) >= threshold).mean()) for vectors in stored)
        return Reach(attack, count, float((found * target).sum(axis=1).mean()), here, there)

    leak = Leak(known, keyed.signs(known).astype(np.float64), signs.astype(np.float64), own.mean(0), np.cov(own.T))
    mean_face = np.tile(leak.mean, (targets, 1))
    rows = keyed.frame / np.linalg.norm(keyed.frame, axis=1, keepdims=True)
    return [
        judged("strings alone, or nothing: the mean face", None, mean_face),
        *(judged(name, count, attack(_of(leak, count))) for count in pairs for name, attack in WITH_PAIRS.items()),
        judged("strings and key, as we derive", None, stored[0]),
        judged("strings and key, all signs agreeing", None, agreeing(rows, leak.target_signs, stored[0])),
        judged("the embedding itself", None, target),
    ]


def _of(leak: Leak, count: int) -> Leak:
    return Leak(leak.known[:count], leak.known_signs[:count], leak.target_signs, leak.mean, leak.covariance)


def _least_squares_rows(leak: Leak) -> Float64:
    """The frame's rows, (bits, d)."""
    gram = leak.known.T @ leak.known + RIDGE * np.eye(leak.known.shape[1])
    rows: Float64 = np.linalg.solve(gram, leak.known.T @ leak.known_signs).T
    return rows
