"""Stored strings as the evaluation needs them: signs of many embeddings at once, and what is compared with them."""

import numpy as np
from numpy.typing import NDArray

from models.gallery.frame import SCALE, Frame
from models.gallery.keys import TemplateKey
from models.gallery.protect import Protector
from tests.benchmarks.templates.population import DIMENSION, Float64

Signs = NDArray[np.float32]


class Keyed:
    """One template key at one length of strings. secret: 32 bytes."""

    def __init__(self, secret: bytes, bits: int = 1024) -> None:
        self._protector = Protector(TemplateKey("tk", secret), dimension=DIMENSION, bits=bits)
        self.bits = bits
        self.frame: Float64 = Frame(secret, DIMENSION, bits).rows.astype(np.float64) / SCALE

    def signs(self, embeddings: Float64) -> Signs:
        """-1 and 1, float32 (n, bits), of embeddings (n, d).

        One matrix product: where a sum is zero to the last bit, it may differ from what is stored.
        """
        return np.where(embeddings @ self.frame.T >= 0, np.float32(1), np.float32(-1))

    def derived(self, signs: Signs) -> Float64:
        """The vectors (n, d) that a probe is compared with."""
        packed = np.packbits(signs > 0, axis=1, bitorder="big")
        return self._protector.derive(packed).astype(np.float64)


def agreement(one: Signs, other: Signs) -> Float64:
    """The share of equal bits of each string with each, (n, m); half of them by chance."""
    agreeing: Float64 = (one @ other.T / np.float32(2 * one.shape[1]) + np.float32(0.5)).astype(np.float64)
    return agreeing


def cosine_of(agreeing: Float64) -> Float64:
    """The cosine that a share of equal bits stands for: cos(pi (1 - share))."""
    cosines: Float64 = np.cos(np.pi * (1 - agreeing))
    return cosines


def random_secrets(seed: int, count: int) -> list[bytes]:
    """Keys for an evaluation that must come out the same twice; never for a deployment."""
    rng = np.random.default_rng((seed, 256))
    return [rng.bytes(32) for _ in range(count)]
