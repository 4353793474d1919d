"""Why the frame is not made of Hadamard matrices and sign flips: known pairs give the flips away.

A block H F2 H F1 H F0 has 3 D unknown signs. Taken for real numbers they are three layers of a network, and descent
along the gradient of the logistic loss finds them, up to equivalent ones, from a few known pairs of embedding and
string: then the whole frame is known, exactly. The frame that is used has D unknown numbers in each row instead.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tests.benchmarks.templates.population import DIMENSION, Float64

STEPS, RATE = 2000, 0.03
FORGET_MEAN, FORGET_SQUARE = 0.9, 0.999
TESTED: Final = 500


@dataclass(frozen=True, slots=True)
class Found:
    """tries: starts that were made. agreement: share of a stranger's bits that the best frame found tells rightly."""

    pairs: int
    tries: int
    agreement: float


def hadamard(size: int) -> Float64:
    """Of length 1, in Sylvester's order; size: a power of two."""
    matrix = np.ones((1, 1))
    while len(matrix) < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix / np.sqrt(size)


_H: Final = hadamard(DIMENSION)


def learned_flips(pairs: int, tries: int, seed: int) -> Found:
    """The flips of one block, from `pairs` known pairs, by at most `tries` starts of the descent."""
    rng = np.random.default_rng(seed)
    flips = rng.choice([-1.0, 1.0], (3, DIMENSION))
    known, tested = (rng.standard_normal((count, DIMENSION)) for count in (pairs, TESTED))
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    signs, truth = np.sign(_through(known, flips)[-1]), np.sign(_through(tested, flips)[-1])
    best = 0.5
    for attempt in range(1, tries + 1):
        found = np.sign(_descend(known, signs, rng.standard_normal((3, DIMENSION)) / 2))
        told = float((np.sign(_through(tested, found)[-1]) == truth).mean())
        best = max(best, told)
        # the attacker sees it on his own pairs: wrong flips cannot tell all of their bits
        if (np.sign(_through(known, found)[-1]) == signs).all():
            return Found(pairs, attempt, told)
    return Found(pairs, tries, best)


def _through(vectors: Float64, flips: Float64) -> list[Float64]:
    """What enters each layer, and what comes out of the last."""
    layers = [vectors]
    for flip in flips:
        layers.append((layers[-1] * flip) @ _H)
    return layers


def _descend(known: Float64, signs: Float64, flips: Float64) -> Float64:
    """Adam (Kingma and Ba, 2015) on the logistic loss of all bits."""
    mean, square = np.zeros_like(flips), np.zeros_like(flips)
    sharpness = 2 * np.sqrt(DIMENSION)
    for step in range(1, STEPS + 1):
        *layers, out = _through(known, flips)
        back = -signs / (1 + np.exp(np.clip(signs * out * sharpness, -30, 30)))
        slope = np.empty_like(flips)
        for layer in (2, 1, 0):
            back = back @ _H
            slope[layer] = (back * layers[layer]).sum(axis=0)
            back = back * flips[layer]
        mean = FORGET_MEAN * mean + (1 - FORGET_MEAN) * slope
        square = FORGET_SQUARE * square + (1 - FORGET_SQUARE) * slope**2
        fair = (mean / (1 - FORGET_MEAN**step)) / (np.sqrt(square / (1 - FORGET_SQUARE**step)) + 1e-9)
        flips = flips - RATE * fair
    return flips
