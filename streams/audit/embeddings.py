"""Whether bytes could be an embedding: the numbers that must never be stored or sent."""

import re
from typing import Final

import numpy as np

LEAST_DIMENSION: Final = 64

_NUMBERS: Final = re.compile(rb"(?:-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?\s*,\s*){63}-?\d")


def looks_like_embedding(raw: bytes) -> bool:
    """Whether it is float32 or float64 numbers of an embedding's size, or 64 or more numbers in a row of JSON.

    As numbers count those of a vector whose length is between 0.1 and 100. Of 157 sealed bytes, the usual feature, that
    can be none: they do not divide into numbers.
    """
    return any(_is_vector(raw, kind) for kind in ("<f4", "<f8")) or _NUMBERS.search(raw) is not None


def _is_vector(raw: bytes, kind: str) -> bool:
    size = np.dtype(kind).itemsize
    if len(raw) % size or len(raw) // size < LEAST_DIMENSION:
        return False
    numbers = np.frombuffer(raw, kind).astype(np.float64)
    with np.errstate(all="ignore"):
        return bool(np.isfinite(numbers).all() and 0.1 < np.linalg.norm(numbers) < 100)
